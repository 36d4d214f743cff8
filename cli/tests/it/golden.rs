//! What the commands look like that need no server, on a terminal and for other programs. `query` has a file of its own.

use crate::receiver::Receiver;
use crate::run::{cordwood, said, shown, shown_with_errors};
use std::process::Stdio;

#[test]
fn help_names_every_command() {
    let help = said(&["--help"]);
    let names: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "query",
            "tail",
            "export",
            "check",
            "ingest",
            "agent",
            "login",
            "logout",
            "profiles",
            "keys",
            "alerts",
            "generate",
            "demo",
            "completions",
            "man",
            "help"
        ]
    );
    for name in names.iter().filter(|name| !["help", "man", "completions", "demo"].contains(name)) {
        let help = said(&[name, "--help"]);
        assert!(
            help.contains("Examples:\n  ") || help.contains("Commands:\n"),
            "{name} teaches nothing: {help}"
        );
        let text = help.replace("Examples:", "");
        assert!(shown(&[name, "--help"]).contains(text.lines().next().unwrap_or_default()), "{name}");
    }
}

#[test]
fn a_query_is_explained_and_its_faults_are_shown_in_colour_on_a_terminal() {
    let explained =
        "level:error | stats count() by source\nEvents where level is error; then compute count per source\n";
    let query = ["check", "level:error |stats count() by source"];
    assert_eq!((said(&query).as_str(), shown(&query).as_str()), (explained, explained));
    let (text, status) = shown_with_errors(&["check", "level:eror"]);
    assert_eq!(
        text,
        "\x1b[1;31merror[E023]\x1b[0m: 'eror' is not a level\n  level:eror\n        \x1b[1;31m^^^^\x1b[0m\n\
         \x1b[1mhint\x1b[0m: did you mean error? levels: trace < debug < info < warn < error < fatal\n\
         \x1b[1mtry\x1b[0m: level:error\n"
    );
    assert_eq!(status, Some(2));
}

#[test]
fn generated_events_are_the_same_bytes_wherever_they_go() {
    let arguments = [
        "generate",
        "--count",
        "2",
        "--seed",
        "7",
        "--start",
        "2026-03-10T10:00:00Z",
        "--only",
        "kubernetes",
    ];
    let lines = said(&arguments);
    assert_eq!(shown(&arguments), lines);
    assert_eq!(lines.lines().count(), 2);
    let first = lines.lines().next().expect("a line");
    assert!(first.starts_with("{\"timestamp\":\"2026-03-10T10:00:00.000000000Z\",\"level\":\""), "{first}");
    assert!(
        first.contains("\"source\":\"kubernetes\"") && first.contains("\"k8s\":{\"namespace\":\"shop\""),
        "{first}"
    );
}

#[test]
fn sending_shows_a_bar_on_a_terminal_and_a_summary_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.ndjson");
    std::fs::write(&file, "{\"message\":\"a\"}\n{\"message\":\"b\"}\n").expect("writable");
    let receiver = Receiver::start();
    let arguments =
        ["ingest", file.to_str().expect("a path"), "--server", receiver.address(), "--token", "cwi_test"];
    let (text, status) = shown_with_errors(&arguments);
    // So little is sent before the bar is drawn for the first time.
    assert_eq!((text.as_str(), status), ("\r\x1b[K2 accepted, 0 rejected\n", Some(0)));
    let output = cordwood(&arguments).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "2 accepted, 0 rejected\n");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_agent_says_nothing_while_all_is_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.log");
    std::fs::write(&file, "one\ntwo\n").expect("writable");
    let receiver = Receiver::steady();
    let state = folder.path().join("state").display().to_string();
    let arguments = [
        "agent",
        file.to_str().expect("a path"),
        "--once",
        "--state",
        &state,
        "--server",
        receiver.address(),
        "--token",
        "cwi_test",
    ];
    assert_eq!(shown_with_errors(&arguments), (String::new(), Some(0)));
    assert_eq!(receiver.messages(), ["one", "two"]);
}

#[test]
fn profiles_are_listed_and_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    let text = "default = 'work'\n[profile.home]\nserver = 'http://a'\ntoken = 'x'\n[profile.work]\nserver = 'http://b'\ntoken = 'y'\n";
    std::fs::write(&config, text).expect("writable");
    let run = |arguments: &[&str]| {
        let output = cordwood(arguments).env("CORDWOOD_CLI_CONFIG", &config).output().expect("it runs");
        let text = if output.status.success() { output.stdout } else { output.stderr };
        String::from_utf8(text).expect("text")
    };
    assert_eq!(run(&["profiles"]), "  home  http://a\n* work  http://b\n");
    assert_eq!(run(&["profiles", "--default", "home"]), "* home  http://a\n  work  http://b\n");
    assert_eq!(run(&["profiles"]), "* home  http://a\n  work  http://b\n");
    let unknown = run(&["profiles", "--default", "play"]);
    assert!(unknown.starts_with("error: there is no profile play in "), "{unknown}");
    let nowhere = run(&["login", "--profile", "new"]);
    assert_eq!(nowhere, "error: which server? Give --server https://…\n");
}

#[test]
fn completions_and_man_pages_are_written() {
    for (shell, part) in
        [("bash", "_cordwood() {"), ("zsh", "#compdef cordwood"), ("fish", "complete -c cordwood")]
    {
        let script = said(&["completions", shell]);
        assert!(script.contains(part) && script.contains("fail-on-match"), "{shell}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(said(&["man", folder.path().to_str().expect("a path")]), "");
    for page in ["cordwood.1", "cordwood-agent.1", "cordwood-alerts-apply.1", "cordwood-export.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).expect(page);
        assert!(text.contains(".SH NAME"), "{page}");
    }
}

#[test]
fn a_tail_of_a_file_is_coloured_on_a_terminal() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.ndjson");
    std::fs::write(&path, "").expect("writable");
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stop, log) = (std::sync::Arc::clone(&is_over), path.clone());
    // It begins at the end of the file, which is where it is once it runs: so lines are written until one is seen.
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().append(true).open(log).expect("writable");
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let line =
                "{\"timestamp\":\"2026-03-10T10:00:00Z\",\"level\":\"warn\",\"message\":\"disk is full\"}\n";
            file.write_all(line.as_bytes()).expect("written");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let line = crate::run::first_line_shown(&["tail", "disk", path.to_str().expect("a path")]);
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("it writes");
    assert_eq!(
        line,
        "\x1b[2m2026-03-10 10:00:00.000\x1b[0m \x1b[33mWARN \x1b[0m \x1b[1;30;43mdisk\x1b[0m is full"
    );
}
