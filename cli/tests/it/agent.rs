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

    fn rotate(&self, rotation: Rotation, number: u64) {
        let current = self.log("app.log");
        let old = self.log(&format!("app.log.{number}"));
        match rotation {
            Rotation::Rename | Rotation::RenameAndCompress => {
                std::fs::rename(&current, &old).expect("renamed")
            }
            Rotation::CopyTruncate => {
                std::fs::copy(&current, &old).expect("copied");
                OpenOptions::new().write(true).truncate(true).open(&current).expect("cut");
            }
        }
        if rotation == Rotation::RenameAndCompress {
            compress(&old);
        }
    }

    /// Writes numbered lines through rotations and kills, and looks what arrived.
    fn run(&mut self, rotation: Rotation) {
        let rotations = setting("CORDWOOD_AGENT_ROTATIONS", 6);
        let kills = setting("CORDWOOD_AGENT_KILLS", 4);
        let lines = (rotations + 1) * LINES_PER_FILE;
        let kill_every = lines / (kills + 1);
        self.start();
        for number in 0..lines {
            if number > 0 && number % LINES_PER_FILE == 0 {
                self.rotate(rotation, number / LINES_PER_FILE);
            }
            let mut file =
                OpenOptions::new().create(true).append(true).open(self.log("app.log")).expect("writable");
            writeln!(
                file,
                "{{\"message\":\"line {number}\",\"padding\":\"{}\"}}",
                "x".repeat(number as usize % 90)
            )
            .expect("written");
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
