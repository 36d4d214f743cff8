//! `cordwood agent` against rotation and kill -9: every line arrives, and arrives once.
//!
//! A few rotations here; the long run is `CORDWOOD_AGENT_ROTATIONS=200 CORDWOOD_AGENT_KILLS=100 cargo test -p cordwood --test it agent::`.

use crate::receiver::Receiver;
use crate::run::cordwood;
use flate2::{Compression, write::GzEncoder};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const LINES_PER_FILE: u64 = 120;
/// Lines that may wait before the writer waits too.
const AHEAD: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotation {
    Rename,
    RenameAndCompress,
    /// With the oldest files deleted, so that their inodes come back, and lines that are half written when it happens.
    RenameAndDelete,
    CopyTruncate,
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

struct Trial {
    folder: tempfile::TempDir,
    receiver: Receiver,
    agent: Option<Child>,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("logs")).expect("writable");
        Self { folder, receiver: Receiver::start(), agent: None }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    fn command(&self, files: &str, more: &[&str]) -> std::process::Command {
        let state = self.folder.path().join("state").display().to_string();
        let mut arguments = vec![
            "agent",
            files,
            "--state",
            &state,
            "--server",
            self.receiver.address(),
            "--token",
            "cwi_test",
        ];
        arguments.extend(more);
        let mut command = cordwood(&arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn start(&mut self) {
        let files = self.log("app.log*").display().to_string();
        let mut command = self.command(&files, &[]);
        self.agent = Some(command.stdin(Stdio::null()).spawn().expect("it runs"));
    }

    /// As kill -9.
    fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().expect("it was running");
            agent.wait().expect("it ends");
        }
    }

    fn wait_for(&self, lines: u64) {
        let started = Instant::now();
        while self.receiver.count() < lines {
            assert!(started.elapsed() < PATIENCE, "{} of {lines} lines arrived", self.receiver.count());
            self.receiver.wait();
        }
    }

    /// Lines of younger files may arrive before those of an older one, so a count would not do.
    fn wait_for_all_up_to(&self, last: u64) {
        let started = Instant::now();
        loop {
            let arrived: std::collections::HashSet<String> = self.receiver.messages().into_iter().collect();
            let Some(missing) = (0..=last).find(|number| !arrived.contains(&format!("line {number}"))) else {
                return;
            };
            assert!(started.elapsed() < PATIENCE, "line {missing} has not arrived");
            self.receiver.wait();
        }
    }

    fn rotate(&self, rotation: Rotation, number: u64) {
        let current = self.log("app.log");
        let old = self.log(&format!("app.log.{number}"));
        match rotation {
            Rotation::Rename | Rotation::RenameAndCompress | Rotation::RenameAndDelete => {
                std::fs::rename(&current, &old).expect("renamed")
            }
            Rotation::CopyTruncate => {
                std::fs::copy(&current, &old).expect("copied");
                OpenOptions::new().write(true).truncate(true).open(&current).expect("cut");
            }
        }
        match rotation {
            Rotation::RenameAndCompress => compress(&old),
            // As logrotate deletes: long after.
            Rotation::RenameAndDelete if number > 2 => {
                // Its last line is the one that was half written when it was renamed.
                self.wait_for_all_up_to((number - 2) * LINES_PER_FILE);
                std::fs::remove_file(self.log(&format!("app.log.{}", number - 2))).expect("deleted");
            }
            _ => {}
        }
    }

    fn append(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.log("app.log")).expect("writable")
    }

    /// Writes numbered lines through rotations and kills, and looks what arrived.
    fn run(&mut self, rotation: Rotation) {
        let rotations = setting("CORDWOOD_AGENT_ROTATIONS", 6);
        let kills = setting("CORDWOOD_AGENT_KILLS", 4);
        let lines = (rotations + 1) * LINES_PER_FILE;
        let kill_every = lines / (kills + 1);
        self.start();
        for number in 0..lines {
            let is_first = number > 0 && number % LINES_PER_FILE == 0;
            let is_split = is_first && rotation == Rotation::RenameAndDelete;
            if is_first && !is_split {
                self.rotate(rotation, number / LINES_PER_FILE);
            }
            let padding = "x".repeat(number as usize % 90);
            let line = format!("{{\"message\":\"line {number}\",\"padding\":\"{padding}\"}}\n");
            let (start, end) = line.split_at(line.len() / 2);
            let mut file = self.append();
            file.write_all(start.as_bytes()).expect("written");
            if is_split {
                // The program has the file open still, and finishes its line there.
                self.rotate(rotation, number / LINES_PER_FILE);
            }
            file.write_all(end.as_bytes()).expect("written");
            if number > 0 && number % kill_every == 0 {
                self.kill();
                self.start();
            }
            self.wait_for((number + 1).saturating_sub(AHEAD));
        }
        self.wait_for(lines);
        self.kill();
        let mut arrived = self.receiver.messages();
        arrived.sort_by_key(|message| message.trim_start_matches("line ").parse::<u64>().expect("a number"));
        let written: Vec<String> = (0..lines).map(|number| format!("line {number}")).collect();
        assert!(arrived == written, "{} arrived of {} written", arrived.len(), written.len());
    }
}

fn compress(path: &Path) {
    let text = std::fs::read(path).expect("readable");
    let packed = File::create(format!("{}.gz", path.display())).expect("writable");
    let mut encoder = GzEncoder::new(packed, Compression::fast());
    encoder.write_all(&text).and_then(|()| encoder.finish().map(drop)).expect("packed");
    std::fs::remove_file(path).expect("deleted");
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

#[test]
fn files_that_are_renamed_lose_and_double_nothing_through_kills() {
    Trial::new().run(Rotation::Rename);
}

#[test]
fn files_that_are_compressed_lose_and_double_nothing_through_kills() {
    Trial::new().run(Rotation::RenameAndCompress);
}

#[test]
fn files_that_are_deleted_later_lose_and_double_nothing_through_kills() {
    Trial::new().run(Rotation::RenameAndDelete);
}

#[test]
fn files_that_are_copied_and_cut_lose_and_double_nothing_that_was_written_before_the_copy() {
    Trial::new().run(Rotation::CopyTruncate);
}

#[test]
fn a_file_that_leaves_the_pattern_while_the_agent_is_away_is_read_to_its_end() {
    let mut trial = Trial::new();
    let files = trial.log("app.log").display().to_string();
    std::fs::write(trial.log("app.log"), "line 0\nline 1\n").expect("writable");
    trial.agent = Some(trial.command(&files, &[]).spawn().expect("it runs"));
    trial.wait_for(2);
    trial.kill();
    let mut file = OpenOptions::new().append(true).open(trial.log("app.log")).expect("writable");
    file.write_all(b"line 2\nline 3\nunfinished").expect("written");
    std::fs::rename(trial.log("app.log"), trial.log("app.log.1")).expect("renamed");
    std::fs::write(trial.log("app.log"), "line 4\n").expect("writable");
    trial.agent = Some(trial.command(&files, &[]).spawn().expect("it runs"));
    trial.wait_for(6);
    let mut arrived = trial.receiver.messages();
    arrived.sort();
    assert_eq!(arrived, ["line 0", "line 1", "line 2", "line 3", "line 4", "unfinished"]);
}

#[test]
fn standard_input_is_sent_and_traces_stay_whole() {
    let trial = Trial::new();
    let mut child = trial.command("-", &[]).stdin(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"one\njava.lang.E: x\n\tat a.b(C.java:1)\ntwo\n").expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends by itself").success());
    assert_eq!(trial.receiver.messages(), ["one", "java.lang.E: x\n\tat a.b(C.java:1)", "two"]);
    assert_eq!(std::fs::read_dir(trial.folder.path().join("state/spool")).expect("a folder").count(), 0);
}

#[test]
fn what_was_sent_is_not_sent_again_and_filters_and_fields_are_applied() {
    let trial = Trial::new();
    std::fs::write(
        trial.log("app.log"),
        "{\"level\":\"debug\",\"message\":\"no\"}\n{\"level\":\"info\",\"message\":\"yes\"}\n",
    )
    .expect("writable");
    let config = trial.folder.path().join("agent.toml");
    let text = format!(
        "server = '{}'\nkey = 'cwi_test'\nstate = '{}'\n[[source]]\nfiles = ['{}']\nname = 'shop'\nfilter = '-level:debug'\n\
         fields = {{ env = 'prod' }}\n",
        trial.receiver.address(),
        trial.folder.path().join("state").display(),
        trial.log("*.log").display(),
    );
    std::fs::write(&config, text).expect("writable");
    for _ in 0..2 {
        let status = cordwood(&["agent", "--once", "--config", config.to_str().expect("a path")]).status();
        assert!(status.expect("it runs").success());
    }
    assert_eq!(trial.receiver.messages(), ["yes"]);
    let event = trial.receiver.events().remove(0);
    assert_eq!((event["env"].as_str(), event["file"].is_string()), (Some("prod"), true));
    assert!(trial.receiver.addresses()[0].contains("source=shop"), "{:?}", trial.receiver.addresses());
}

#[test]
fn a_file_that_is_deleted_while_the_server_is_away_is_sent_when_it_is_back() {
    let mut trial = Trial::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    std::fs::write(trial.log("app.log"), "line 0\n").expect("writable");
    let state = trial.folder.path().join("state").display().to_string();
    let files = trial.log("app.log*").display().to_string();
    let server = format!("http://{address}");
    let metrics = trial.folder.path().join("agent.toml");
    let text = format!(
        "server = '{server}'\nkey = 'cwi_test'\nstate = '{state}'\nmetrics = '127.0.0.1:0'\n[[source]]\nfiles = ['{files}']\n"
    );
    std::fs::write(&metrics, text).expect("writable");
    let mut command = cordwood(&["agent", "--config", metrics.to_str().expect("a path")]);
    let mut agent = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let metrics = MetricsAt::told_by(agent.stderr.take().expect("piped"));
    trial.agent = Some(agent);
    // It has read the first line and cannot send it.
    metrics.wait_until("cordwood_agent_retries_total", |retries| retries > 0);
    std::fs::rename(trial.log("app.log"), trial.log("app.log.1")).expect("renamed");
    std::fs::write(trial.log("app.log"), "line 1\nline 2\n").expect("writable");
    metrics.wait_until("cordwood_agent_files", |files| files == 2);
    metrics.wait_until("cordwood_agent_waiting_bytes", |bytes| bytes >= 14);
    std::fs::remove_file(trial.log("app.log")).expect("deleted");
    std::fs::remove_file(trial.log("app.log.1")).expect("deleted");
    trial.receiver = Receiver::start_at(&address.to_string());
    trial.wait_for(3);
    let mut arrived = trial.receiver.messages();
    arrived.sort();
    assert_eq!(arrived, ["line 0", "line 1", "line 2"]);
    let page = metrics.page();
    for line in ["# TYPE cordwood_agent_events_sent_total counter", "cordwood_agent_lost_bytes_total 0"] {
        assert!(page.contains(line), "{line} in {page}");
    }
}

/// The endpoint for Prometheus, at the address that the agent tells.
struct MetricsAt(String);

impl MetricsAt {
    fn told_by(stderr: std::process::ChildStderr) -> Self {
        use std::io::{BufRead, BufReader};
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.split_once("metrics on http://")?.1.to_owned()));
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self(address.expect("it tells where its metrics are"))
    }

    fn page(&self) -> String {
        use std::io::Read;
        let (address, path) = self.0.split_once('/').expect("an address with a path");
        let mut connection = std::net::TcpStream::connect(address).expect("it listens");
        write!(connection, "GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it reads");
        let mut page = String::new();
        connection.read_to_string(&mut page).expect("it answers");
        page
    }

    fn wait_until(&self, name: &str, holds: impl Fn(u64) -> bool) {
        let started = Instant::now();
        loop {
            let page = self.page();
            let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            if value.is_some_and(&holds) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{name} is {value:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn the_journal_is_followed_from_where_it_was_left() {
    use std::os::unix::fs::PermissionsExt;
    let trial = Trial::new();
    // Stands in for journalctl: entries behind a cursor, and then it waits, as `--follow` does.
    let program = trial.folder.path().join("journalctl");
    let script = r#"#!/bin/sh
echo "$@" >> "$0.calls"
after=0
for argument; do case "$argument" in --after-cursor=c*) after="${argument#--after-cursor=c}";; esac; done
for number in 1 2 3 4; do
  test "$number" -gt "$after" && test "$number" -le "$(cat "$0.last")" &&
  echo "{\"__CURSOR\":\"c$number\",\"MESSAGE\":\"entry $number\",\"PRIORITY\":\"4\",\"SYSLOG_IDENTIFIER\":\"app\"}"
done
while kill -0 "$PPID" 2>/dev/null; do sleep 0.2; done
"#;
    std::fs::write(&program, script).expect("writable");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let last =
        |number: &str| std::fs::write(program.with_file_name("journalctl.last"), number).expect("writable");
    let config = trial.folder.path().join("agent.toml");
    let text = format!(
        "server = '{}'\nkey = 'cwi_test'\nstate = '{}'\n[[source]]\njournald = true\nunits = ['app.service']\n",
        trial.receiver.address(),
        trial.folder.path().join("state").display(),
    );
    std::fs::write(&config, text).expect("writable");
    let path = format!("{}:/usr/bin:/bin", trial.folder.path().display());
    for (number, entries) in [("2", 2), ("4", 4)] {
        last(number);
        let mut agent = cordwood(&["agent", "--config", config.to_str().expect("a path")]);
        let mut agent =
            agent.env("PATH", &path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        trial.wait_for(entries);
        agent.kill().expect("it was running");
        agent.wait().expect("it ends");
    }
    let messages: Vec<String> = trial
        .receiver
        .events()
        .iter()
        .map(|event| event["MESSAGE"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(messages, ["entry 1", "entry 2", "entry 3", "entry 4"]);
    let calls = std::fs::read_to_string(program.with_file_name("journalctl.calls")).expect("it was called");
    assert!(
        calls.lines().all(|call| call.contains("--all --follow") && call.contains("--unit=app.service")),
        "{calls}"
    );
    assert!(calls.lines().last().expect("a call").contains("--after-cursor=c2"), "{calls}");
}
