//! The commands that talk to a server.

use crate::receiver::Receiver;
use crate::run::{cordwood, said};
use std::process::{Output, Stdio};

fn run(arguments: &[&str], config: &str) -> Output {
    cordwood(arguments).env("CORDWOOD_CLI_CONFIG", config).stdin(Stdio::null()).output().expect("it runs")
}

#[test]
fn files_are_sent_once_and_the_summary_says_how_many_were_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.ndjson");
    std::fs::write(&file, "{\"message\":\"a\"}\n{\"message\":\"b\"}\n").expect("writable");
    let receiver = Receiver::start();
    let connection = ["--server", receiver.address(), "--token", "cwi_test"];
    let arguments =
        [&["ingest", file.to_str().expect("a path"), "--source", "shop"], connection.as_slice()].concat();
    let output = run(&arguments, "/nowhere");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "2 accepted, 0 rejected\n");
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(receiver.messages(), ["a", "b"]);
    assert!(receiver.addresses()[0].starts_with("POST /api/v1/logs/ingest?source=shop "));
}

#[test]
fn without_a_server_it_is_said_how_to_name_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    let output = run(&["query", "level:error"], &config);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: not signed in: run `cordwood login --server URL`, or give --server and --token\n"
    );
    assert_eq!(output.status.code(), Some(2));
    std::fs::write(&config, "[profile.work]\nserver = 'http://127.0.0.1:1'\ntoken = 'x'\n")
        .expect("writable");
    let unreachable = run(&["query", "level:error", "--profile", "work"], &config);
    let text = String::from_utf8_lossy(&unreachable.stderr);
    assert!(text.starts_with("error: cannot reach http://127.0.0.1:1: "), "{text}");
    let elsewhere = run(&["query", "x", "--profile", "work", "--server", "http://127.0.0.1:2"], &config);
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("the key of profile work is for"));
}

#[test]
fn a_query_is_checked_without_a_server() {
    assert_eq!(
        said(&["check", "level:error |stats count()   by source"]),
        "level:error | stats count() by source\nEvents where level is error; then compute count per source\n"
    );
    let wrong = cordwood(&["check", "level:", "--quiet"]).output().expect("it runs");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).starts_with("error[E004]: "));
}

#[test]
fn files_are_followed_with_the_language() {
    use std::io::{BufRead, BufReader, Write};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.log");
    std::fs::write(&path, "2026-03-10 10:00:00 ERROR before\n").expect("writable");
    let mut child = cordwood(&["tail", "level:error", path.to_str().expect("a path")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_over = std::sync::Arc::clone(&stop);
    // It begins at the end of the file, which is where it is once it runs: so lines are written until one is seen.
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("writable");
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all(b"2026-03-10 10:00:01 INFO fine\n2026-03-10 10:00:02 ERROR after\n")
                .expect("written");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    writer.join().expect("it writes");
    assert_eq!(line, "2026-03-10 10:00:02 ERROR after\n");
}
