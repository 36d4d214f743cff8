//! Which lines belong to the event before them.

use crate::text::{begins_event, exception, is_frame};

/// A body seen as lines.
pub(super) struct Lines<'a> {
    pub body: &'a [u8],
    pub crlf: bool,
}

/// A line: where its text is, and where the next one begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub text: &'a [u8],
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

impl<'a> Lines<'a> {
    pub fn at(&self, start: usize) -> Option<Line<'a>> {
        let rest = self.body.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let text = match self.crlf {
            true => rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]),
            false => &rest[..length],
        };
        Some(Line { text, start, end: start + text.len(), next: start + length + 1 })
    }

    /// The first line from here that is not blank.
    pub fn visible(&self, mut start: usize) -> Option<Line<'a>> {
        loop {
            let line = self.at(start)?;
            if !line.is_blank() {
                return Some(line);
            }
            start = line.next;
        }
    }
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim_ascii().is_empty()
    }

    fn is_indented(&self) -> bool {
        self.text.first().is_some_and(u8::is_ascii_whitespace)
    }
}

/// What the lines so far are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Inside {
    /// One ordinary line, to which a trace may belong.
    Line,
    /// Frames of Java, .NET, JavaScript or Ruby.
    Frames,
    /// The members that JavaScript prints in braces behind the frames.
    Properties,
    Python,
    /// Python's exception was read; a chained one may follow.
    PythonEnd,
    Go,
    Rust,
    Php,
    /// Node's source line, caret and error; so many lines of it may still come.
    NodeSource(u8),
    /// .NET's console logger indents its messages by six blanks.
    DotnetLog,
}

pub(super) struct Joiner {
    inside: Inside,
    /// The first line has a time or a level, so a bare exception under it is its own.
    has_header: Option<bool>,
    first: usize,
}

impl Joiner {
    pub fn open(lines: &Lines, first: &Line) -> Self {
        let text = first.text;
        let inside = if text.ends_with(TRACEBACK) {
            Inside::Python
        } else if is_go_panic(lines, first) {
            Inside::Go
        } else if text.starts_with(b"thread '") && contains(text, b"' panicked at ") {
            Inside::Rust
        } else if is_node_source(lines, first) {
            Inside::NodeSource(4)
        } else if is_dotnet_head(text) {
            Inside::DotnetLog
        } else {
            Inside::Line
        };
        Self { inside, has_header: None, first: first.start }
    }

    /// If the line belongs to the event, gives the line that the event now ends with.
    pub fn joins<'a>(&mut self, lines: &Lines<'a>, line: &Line<'a>) -> Option<Line<'a>> {
        let line = match line.is_blank() {
            false => *line,
            true => self.behind_blanks(lines, line)?,
        };
        let next = self.next_state(lines, &line)?;
        self.inside = next;
        Some(line)
    }

    /// Only these traces hold blank lines; what follows has to go on with them.
    fn behind_blanks<'a>(&self, lines: &Lines<'a>, blank: &Line<'a>) -> Option<Line<'a>> {
        let allowed = matches!(self.inside, Inside::Go | Inside::PythonEnd | Inside::NodeSource(_));
        allowed.then(|| lines.visible(blank.next)).flatten()
    }

    fn next_state(&mut self, lines: &Lines, line: &Line) -> Option<Inside> {
        let text = line.text;
        match self.inside {
            Inside::Line => self.after_line(lines, line),
            Inside::Frames => after_frames(line),
            Inside::Properties => Some(if text == b"}" { Inside::Frames } else { Inside::Properties }),
            Inside::Python if line.is_indented() => Some(Inside::Python),
            Inside::Python => is_exception(text).then_some(Inside::PythonEnd),
            Inside::PythonEnd => after_python(lines, line),
            Inside::Go => is_go(lines, line).then_some(Inside::Go),
            Inside::Rust => self.is_rust(lines, line).then_some(Inside::Rust),
            Inside::Php => is_php(text).then_some(Inside::Php),
            Inside::NodeSource(left) if is_frame(text) => Some(Inside::Frames).filter(|_| left < 4),
            Inside::NodeSource(left) => left.checked_sub(1).map(Inside::NodeSource),
            Inside::DotnetLog => text.starts_with(b"      ").then_some(Inside::DotnetLog),
        }
    }

    fn after_line(&mut self, lines: &Lines, line: &Line) -> Option<Inside> {
        if let Some(inside) = after_frames(line) {
            return Some(inside);
        }
        if line.text == b"Stack trace:" {
            return Some(Inside::Php);
        }
        let may_follow = line.text == TRACEBACK
            || (is_exception(line.text) && lines.at(line.next).is_some_and(|next| is_frame(next.text)))
            || self.is_second_line_of_java_logging(lines, line);
        if !may_follow || !self.has_header(lines) {
            return None;
        }
        Some(if line.text == TRACEBACK { Inside::Python } else { Inside::Line })
    }

    fn has_header(&mut self, lines: &Lines) -> bool {
        let first = self.first;
        *self.has_header.get_or_insert_with(|| {
            let text = lines.at(first).map(|line| line.text).unwrap_or_default();
            std::str::from_utf8(&text[..text.len().min(200)]).is_ok_and(begins_event)
        })
    }

    /// `SEVERE: …` under `Mar 10, 2026 10:00:00 AM com.acme.Main run`
    fn is_second_line_of_java_logging(&self, lines: &Lines, line: &Line) -> bool {
        const LEVELS: [&[u8]; 7] =
            [b"SEVERE: ", b"WARNING: ", b"INFO: ", b"CONFIG: ", b"FINE: ", b"FINER: ", b"FINEST: "];
        let first = lines.at(self.first).map(|line| line.text).unwrap_or_default();
        LEVELS.iter().any(|level| line.text.starts_with(level))
            && (contains(first, b" AM ") || contains(first, b" PM "))
    }

    /// The message under a head that ends with a colon, the backtrace, and the note.
    fn is_rust(&self, lines: &Lines, line: &Line) -> bool {
        let text = line.text;
        let head = lines.at(self.first);
        let is_message = head.is_some_and(|head| head.next == line.start && head.text.ends_with(b":"));
        let numbered = || {
            let digits = text.trim_ascii_start();
            digits.first().is_some_and(u8::is_ascii_digit) && contains(digits, b": ")
        };
        is_message
            || text == b"stack backtrace:"
            || text.starts_with(b"note: ")
            || (line.is_indented() && (numbered() || is_frame(text)))
    }
}

const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

fn after_frames(line: &Line) -> Option<Inside> {
    let text = line.text;
    if is_frame(text) {
        return Some(if text.ends_with(b" {") { Inside::Properties } else { Inside::Frames });
    }
    let trimmed = text.trim_ascii_start();
    let joins = match trimmed.first()? {
        b'C' => text.starts_with(b"Caused by: "),
        b'.' => {
            trimmed.starts_with(b"... ") && (trimmed.ends_with(b" more") || trimmed.ends_with(b" omitted"))
        }
        b'S' => line.is_indented() && trimmed.starts_with(b"Suppressed: "),
        b'-' => trimmed.starts_with(b"--- End of ") || (line.is_indented() && trimmed.starts_with(b"---> ")),
        b'f' => line.is_indented() && trimmed.starts_with(b"from ") && contains(trimmed, b":in "),
        _ => false,
    };
    joins.then_some(Inside::Frames)
}

fn after_python(lines: &Lines, line: &Line) -> Option<Inside> {
    const CHAINS: [&[u8]; 2] = [
        b"During handling of the above exception, another exception occurred:",
        b"The above exception was the direct cause of the following exception:",
    ];
    if CHAINS.contains(&line.text) {
        return Some(Inside::PythonEnd);
    }
    let is_chained = line.text == TRACEBACK && follows_chain(lines, line);
    is_chained.then_some(Inside::Python)
}

/// Whether the last visible line before this one is a chain's sentence.
fn follows_chain(lines: &Lines, line: &Line) -> bool {
    lines.body[..line.start].trim_ascii_end().ends_with(b"exception occurred:")
        || lines.body[..line.start].trim_ascii_end().ends_with(b"following exception:")
}

fn is_go_panic(lines: &Lines, first: &Line) -> bool {
    if !first.text.starts_with(b"panic: ") && !first.text.starts_with(b"fatal error: ") {
        return false;
    }
    let mut next = lines.visible(first.next);
    for _ in 0..6 {
        let Some(line) = next else { return false };
        if line.text.starts_with(b"goroutine ") {
            return true;
        }
        next = lines.visible(line.next);
    }
    false
}

fn is_go(lines: &Lines, line: &Line) -> bool {
    const STARTS: [&[u8]; 8] = [
        b"\t",
        b"goroutine ",
        b"created by ",
        b"[signal ",
        b"exit status ",
        b"panic: ",
        b"...additional frames",
        b"runtime stack:",
    ];
    STARTS.iter().any(|start| line.text.starts_with(start))
        || lines
            .at(line.next)
            .is_some_and(|next| next.text.starts_with(b"\t") && contains(next.text, b".go:"))
}

/// `/app/x.js:10`, the source line, and a line of carets.
fn is_node_source(lines: &Lines, first: &Line) -> bool {
    let starts = [b"/".as_slice(), b"file:", b"node:"].iter().any(|start| first.text.starts_with(start));
    if !starts || !first.text.last().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let caret = lines.at(first.next).and_then(|source| lines.at(source.next));
    caret.is_some_and(|line| {
        let carets = line.text.trim_ascii();
        !carets.is_empty() && carets.iter().all(|byte| *byte == b'^')
    })
}

/// `fail: Category.Name[13]`
fn is_dotnet_head(text: &[u8]) -> bool {
    let levels = [b"trce: ".as_slice(), b"dbug: ", b"info: ", b"warn: ", b"fail: ", b"crit: "];
    text.ends_with(b"]") && levels.iter().any(|level| text.starts_with(level))
}

fn is_php(text: &[u8]) -> bool {
    text.starts_with(b"  thrown in ")
        || (text.first() == Some(&b'#') && text.get(1).is_some_and(u8::is_ascii_digit))
}

fn is_exception(text: &[u8]) -> bool {
    std::str::from_utf8(&text[..text.len().min(300)]).is_ok_and(|text| exception(text).is_some())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
