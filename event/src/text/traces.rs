//! Stack traces: which exception it was. Java, .NET, JavaScript, Python, Go, Ruby, Rust.

use super::Findings;
use crate::level::Level;

/// Adds `error.type` and `error.message` of the trace in a text of several lines. Of chained exceptions Python's
/// last is the one that was not caught, elsewhere the first.
pub(super) fn add_to<'a>(found: &mut Findings<'a>, text: &'a str) {
    let Some((error_type, message)) = python(text).or_else(|| panic(text)).or_else(|| framed(text)) else {
        return;
    };
    found.text("error.type", error_type);
    found.text("error.message", message);
    let is_end = matches!(error_type, "panic" | "fatal error");
    found.level.get_or_insert(if is_end { Level::Fatal } else { Level::Error });
}

/// The first line behind a traceback that is not indented.
fn python(text: &str) -> Option<(&str, &str)> {
    let start = text.rfind("Traceback (most recent call last):")?;
    let line = text[start..]
        .lines()
        .skip(1)
        .find(|line| !line.starts_with([' ', '\t']) && !line.trim().is_empty())?;
    exception(line).or(Some((line.trim(), "")))
}

/// Go's `panic: …` and `fatal error: …`, Rust's `thread '…' panicked at …`.
fn panic(text: &str) -> Option<(&str, &str)> {
    for line in text.lines() {
        for kind in ["panic", "fatal error"] {
            if let Some(message) = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(": ")) {
                return text.contains("\ngoroutine ").then_some((kind, message));
            }
        }
        if line.starts_with("thread '") && line.contains("' panicked at ") {
            let next = text.lines().skip_while(|next| !std::ptr::eq(*next, line)).nth(1);
            let message =
                if line.ends_with(':') { next } else { line.split_once("panicked at ").map(|(_, at)| at) };
            return Some(("panic", message.unwrap_or_default()));
        }
    }
    None
}

/// The line before the first frame.
fn framed(text: &str) -> Option<(&str, &str)> {
    let mut before = "";
    for line in text.lines() {
        if is_frame(line.as_bytes()) {
            return exception(before)
                .or_else(|| before.rsplit_once(" - ").and_then(|(_, rest)| exception(rest)));
        }
        if !line.trim().is_empty() {
            before = line;
        }
    }
    None
}

/// `    at place` of Java, .NET and JavaScript.
pub(crate) fn is_frame(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    let place = trimmed.strip_prefix(b"at ").filter(|_| trimmed.len() < line.len());
    place.is_some_and(|place| place.contains(&b'(') || place.contains(&b':'))
}

/// `java.lang.IllegalStateException: queue closed`, `Exception in thread "main" …`, `Uncaught TypeError: …`
pub(crate) fn exception(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_end();
    let line = match line.strip_prefix("Exception in thread \"") {
        Some(rest) => rest.split_once("\" ")?.1,
        None => line.trim_start(),
    };
    let line = ["Unhandled exception. ", "Uncaught ", "Caused by: "]
        .iter()
        .fold(line, |line, prefix| line.strip_prefix(prefix).unwrap_or(line));
    let (name, message) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'`');
    let qualified = name.contains('.') || name.starts_with(|first: char| first.is_ascii_uppercase());
    let is_name =
        !name.is_empty() && name.len() <= 200 && name.bytes().all(plain) && qualified && !name.ends_with('.');
    is_name.then_some((name, message))
}
