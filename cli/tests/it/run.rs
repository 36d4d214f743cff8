//! Runs the program.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, without anything of this machine's environment that it would look at.
pub fn cordwood(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordwood"));
    command.args(arguments).env_clear().env("TZ", "UTC").env("TERM", "xterm-256color");
    command
}

/// What it says on standard output; it has to end well.
pub fn said(arguments: &[&str]) -> String {
    let output = cordwood(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs it with text on standard input.
pub fn fed(arguments: &[&str], input: &str) -> Output {
    let mut command = cordwood(arguments);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("it runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

/// What it shows on a terminal of 80 columns.
pub fn shown(arguments: &[&str]) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("a terminal");
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&controller, size).expect("a terminal");
    let name = ptsname(&controller, Vec::new()).expect("a terminal");
    let name = name.into_string().expect("a path");
    let terminal = OpenOptions::new().read(true).write(true).open(Path::new(&name)).expect("a terminal");
    let mut command = cordwood(arguments);
    command.stdin(Stdio::null()).stdout(terminal).stderr(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    // Our own end of the terminal has to be closed, so that reading ends with the program.
    drop(command);
    let mut bytes = Vec::new();
    // A terminal whose other side is closed reads as an error.
    let _ = std::fs::File::from(controller).read_to_end(&mut bytes);
    child.wait().expect("it ends");
    String::from_utf8(bytes).expect("text").replace("\r\n", "\n")
}
