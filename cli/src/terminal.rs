//! What the terminal can do: colours, and how wide it is.

use std::io::IsTerminal;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// How things are shown on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// Columns; nothing when it is not a terminal.
    pub width: Option<usize>,
}

impl Style {
    pub fn of_stdout(choice: ColorChoice) -> Self {
        let stdout = std::io::stdout();
        let width = stdout.is_terminal().then(|| {
            let size = rustix::termios::tcgetwinsize(&stdout).ok();
            size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(80)
        });
        Self { color: is_colored(choice, width.is_some()), width }
    }

    pub fn of_stderr(choice: ColorChoice) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { color: is_colored(choice, is_terminal), width: is_terminal.then_some(80) }
    }

    /// The text in a colour or a weight, given as its SGR numbers.
    pub fn paint(&self, sgr: &str, text: &str) -> String {
        match self.color && !sgr.is_empty() {
            true => format!("\x1b[{sgr}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

fn is_colored(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            is_terminal && !is_unwanted && !is_dumb
        }
    }
}
