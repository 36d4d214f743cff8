//! Lines that begin with a time, a level, or both.

use crate::level::{Level, Scale, read_text};
use crate::text::Findings;
use crate::time;

pub(super) fn recognise(text: &str, now_ns: i64) -> Findings<'_> {
    let mut found = Findings::default();
    let mut rest = text.trim_ascii_start();
    let open = rest.strip_prefix('[').unwrap_or(rest);
    if let Some((time_ns, length)) = time::parse_prefix(open, now_ns) {
        found.time_ns = Some(time_ns);
        rest = open[length..].trim_start_matches([']', ' ', '\t', '-', ':', '|']);
    }
    found.level = level_at_start(rest);
    found
}

/// A level's word in upper case, or in brackets, or followed by a colon.
fn level_at_start(text: &str) -> Option<Level> {
    let open = text.strip_prefix(['[', '<', '(']).unwrap_or(text);
    let length = open.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = &open[..length];
    let marked = open.len() < text.len()
        || open[length..].starts_with(':')
        || word.bytes().all(|byte| byte.is_ascii_uppercase());
    (length >= 3 && marked).then(|| read_text(word, Scale::Any)).flatten().map(|reading| reading.level)
}
