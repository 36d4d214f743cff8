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
    on_terminal(cordwood(arguments), Stdio::null).0
}

/// The same with what it says on standard error, and its exit status.
pub fn shown_with_errors(arguments: &[&str]) -> (String, Option<i32>) {
    let Shown { text, status } = shown_by(cordwood(arguments));
    (text, status)
}

/// What a command has left on a terminal, standard output and standard error.
pub struct Shown {
    pub text: String,
    pub status: Option<i32>,
}

pub fn shown_by(mut command: Command) -> Shown {
    let (terminal, second) = Terminal::open();
    command.stdin(Stdio::null()).stdout(second.try_clone().expect("a terminal")).stderr(second);
    let (text, status) = terminal.run(command);
    Shown { text, status }
}

/// The first lines of standard output of a command that does not end; then it is ended.
pub fn first_lines(mut command: Command, count: usize) -> String {
    use std::io::{BufRead, BufReader};
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let text = (0..count).map(|_| lines.next().expect("a line").expect("text") + "\n").collect();
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    text
}

fn on_terminal(mut command: Command, errors: impl Fn() -> Stdio) -> (String, Option<i32>) {
    let (terminal, second) = Terminal::open();
    command.stdin(Stdio::null()).stdout(second).stderr(errors());
    terminal.run(command)
}

/// Our end of a terminal of 80 columns.
struct Terminal(std::fs::File);

impl Terminal {
    /// It, and the program's end.
    fn open() -> (Self, std::fs::File) {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("a terminal");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&controller, size).expect("a terminal");
        let name = ptsname(&controller, Vec::new()).expect("a terminal");
        let name = name.into_string().expect("a path");
        let second = OpenOptions::new().read(true).write(true).open(Path::new(&name)).expect("a terminal");
        (Self(std::fs::File::from(controller)), second)
    }

    fn run(mut self, mut command: Command) -> (String, Option<i32>) {
        let mut child = command.spawn().expect("it runs");
        // The command holds the other end, which has to be closed so that reading ends with the program.
        drop(command);
        let mut bytes = Vec::new();
        // A terminal whose other side is closed reads as an error.
        let _ = self.0.read_to_end(&mut bytes);
        let status = child.wait().expect("it ends").code();
        (String::from_utf8(bytes).expect("text").replace("\r\n", "\n"), status)
    }
}

/// The first line that it shows on a terminal; then it is ended.
pub fn first_line_shown(arguments: &[&str]) -> String {
    use std::io::{BufRead, BufReader};
    let (terminal, second) = Terminal::open();
    let mut command = cordwood(arguments);
    let mut child =
        command.stdin(Stdio::null()).stdout(second).stderr(Stdio::null()).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(terminal.0).read_line(&mut line).expect("a line");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    line.trim_end().to_owned()
}
