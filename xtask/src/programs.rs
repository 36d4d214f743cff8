//! Starting other programs: what failed is named, and nothing outlives us.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

const PROGRAMS: [&str; 5] = ["cordwood-server", "engine", "cordwood", "bench", "faults"];

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}

pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds every program of the workspace, always as the same choice of packages and targets: another choice would mean other
/// features, and all dependencies compiled anew. In debug it is what the tests build.
pub fn build(release: bool) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--quiet"]);
    if release {
        command.arg("--release").args(PROGRAMS.map(|package| format!("--package={package}")));
    } else {
        command.args(["--workspace", "--all-targets"]);
    }
    run(&mut command)
}

/// Runs a command to its end, with its output on ours.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to start {:?}", command.get_program()))?;
    ensure!(status.success(), "{} failed with {status}", shown(command));
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

pub fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// A child that is asked to stop, and waited for, when this is dropped.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("failed to start {}", shown(command)))?;
        Ok(Self { child })
    }

    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop and waits; what does not stop within the limit is killed.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop(Duration::from_secs(30));
    }
}

/// Waits until `GET path` answers 200; fails when the program ends first or the limit passes.
pub fn wait_until_ready(
    program: &mut Running,
    address: SocketAddr,
    path: &str,
    limit: Duration,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = program.ended()? {
            bail!("it ended while starting, with {status}");
        }
        if get(address, path).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it did not become ready within {} s", limit.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sends JSON, with an access token if there is one, and reads JSON.
pub fn post(address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let credentials = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = body.to_string();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{credentials}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer has a body")?;
    serde_json::from_str(body).with_context(|| format!("{path} does not answer with JSON: {answer}"))
}

/// A line that tells what is going on.
pub fn say(text: impl std::fmt::Display) {
    eprintln!("cordwood: {text}");
}
