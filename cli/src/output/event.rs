//! An event as a line for people: time, level, source, message, and what else it holds.

use super::wrap;
use crate::terminal::Style;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::io::Write;

/// What a line shows of an event.
#[derive(Debug, Default)]
pub struct Line<'e> {
    /// Nothing when the message is a line of text, which has its own.
    pub time_ns: Option<i64>,
    pub level: Option<&'e str>,
    pub source: &'e str,
    pub message: Cow<'e, str>,
    /// Attributes and computed columns, as they are shown.
    pub fields: Vec<(String, String)>,
    /// Stretches of the message that matched.
    pub marks: Vec<(usize, usize)>,
}

/// How events are shown.
#[derive(Debug, Clone)]
pub struct EventStyle {
    pub style: Style,
    pub zone: TimeZone,
}

impl EventStyle {
    /// Appends the event; on a terminal broken where that ends.
    pub fn write(&self, line: &Line, out: &mut Vec<u8>) {
        let start = out.len();
        let message_at = self.write_whole(line, out);
        let Some(width) = self.style.width else { return };
        let whole = String::from_utf8(out.split_off(start)).expect("text was written");
        let column = wrap::columns(&whole[..message_at - start]);
        let indent = match line.time_ns {
            // What is long before the message leaves too little room behind it.
            Some(_) if column * 2 <= width => wrap::Indent { broken: column, own: column },
            Some(_) => wrap::Indent { broken: 4, own: 4 },
            // A line of text looks as in its file.
            None => wrap::Indent { broken: 4, own: 0 },
        };
        wrap::write(whole.trim_end_matches('\n'), width, indent, out);
        out.push(b'\n');
    }

    /// Says where the message begins.
    fn write_whole(&self, line: &Line, out: &mut Vec<u8>) -> usize {
        let style = self.style;
        let level_sgr = line.level.map_or("", sgr_of);
        if let Some(time_ns) = line.time_ns {
            let text = |text: &str| style.paint("2", text);
            write!(out, "{} ", text(&self.time(time_ns))).expect(MEMORY);
            let level = format!("{:<5}", line.level.unwrap_or("-").to_uppercase());
            write!(out, "{} ", style.paint(level_sgr, &level)).expect(MEMORY);
            if !line.source.is_empty() {
                write!(out, "{} ", style.paint("34", line.source)).expect(MEMORY);
            }
        }
        let is_text = line.time_ns.is_none();
        let message_at = out.len();
        self.write_message(line, if is_text { level_sgr } else { "" }, out);
        for (name, value) in &line.fields {
            let blank = if line.message.is_empty() && out.ends_with(b" ") { "" } else { " " };
            write!(out, "{blank}{}{}", style.paint("2", &format!("{name}=")), quoted(value)).expect(MEMORY);
        }
        out.push(b'\n');
        message_at
    }

    fn write_message(&self, line: &Line, sgr: &str, out: &mut Vec<u8>) {
        let text = line.message.trim_end_matches('\n');
        let text = if self.style.width.is_some() { harmless(text) } else { Cow::Borrowed(text) };
        if !self.style.color || line.marks.is_empty() {
            return out.extend_from_slice(self.style.paint(sgr, &text).as_bytes());
        }
        let mut at = 0;
        for (start, end) in line.marks.iter().filter(|(start, end)| start < end) {
            let (Some(before), Some(marked)) = (text.get(at..*start), text.get(*start..*end)) else {
                continue;
            };
            out.extend_from_slice(self.part(sgr, before).as_bytes());
            out.extend_from_slice(self.style.paint("1;30;43", marked).as_bytes());
            at = *end;
        }
        out.extend_from_slice(self.part(sgr, &text[at..]).as_bytes());
    }

    fn part(&self, sgr: &str, text: &str) -> String {
        if text.is_empty() { String::new() } else { self.style.paint(sgr, text) }
    }

    fn time(&self, ns: i64) -> String {
        let Ok(time) = Timestamp::from_nanosecond(ns.into()) else { return ns.to_string() };
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
    }
}

const MEMORY: &str = "memory takes every byte";

fn sgr_of(level: &str) -> &'static str {
    match level {
        "fatal" => "1;35",
        "error" => "1;31",
        "warn" => "33",
        "info" => "32",
        "debug" | "trace" => "2",
        _ => "",
    }
}

/// What would make a terminal do things is shown and not done. Bytes keep their places, which marks need.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_command = |byte: u8| byte.is_ascii_control() && byte != b'\n' && byte != b'\t';
    if !text.bytes().any(is_command) {
        return Cow::Borrowed(text);
    }
    let shown = |character: char| {
        let is_command = character.is_ascii() && is_command(character as u8);
        if is_command { '?' } else { character }
    };
    Cow::Owned(text.chars().map(shown).collect())
}

fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = !value.is_empty() && !value.contains([' ', '"', '=']) && !value.contains(char::is_control);
    if is_plain { Cow::Borrowed(value) } else { Cow::Owned(format!("{value:?}")) }
}

/// The leaves below an object, by their dotted paths.
pub fn leaves(object: &Map<String, Json>, path: &str, out: &mut Vec<(String, String)>) {
    for (name, value) in object {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Json::Null => {}
            Json::Object(inner) => leaves(inner, &path, out),
            value => out.push((path, super::plain(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(color: bool, line: &Line) -> String {
        let style = EventStyle { style: Style { color, width: None }, zone: TimeZone::UTC };
        let mut out = Vec::new();
        style.write(line, &mut out);
        String::from_utf8(out).expect("text")
    }

    fn line(marks: Vec<(usize, usize)>) -> Line<'static> {
        Line {
            time_ns: Some(1_773_136_800_123_000_000),
            level: Some("error"),
            source: "api",
            message: Cow::Borrowed("upstream timeout"),
            fields: vec![("http.status".into(), "504".into()), ("why".into(), "too slow".into())],
            marks,
        }
    }

    #[test]
    fn a_line_shows_time_level_source_message_and_fields() {
        assert_eq!(
            written(false, &line(Vec::new())),
            "2026-03-10 10:00:00.123 ERROR api upstream timeout http.status=504 why=\"too slow\"\n"
        );
    }

    #[test]
    fn a_terminal_breaks_long_events_behind_their_beginning_and_obeys_no_log() {
        let style = EventStyle { style: Style { color: false, width: Some(60) }, zone: TimeZone::UTC };
        let mut out = Vec::new();
        let message = Cow::Borrowed("could not reach the upstream \x1b]0;evil\x07 in time");
        style.write(&Line { message, ..line(Vec::new()) }, &mut out);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "2026-03-10 10:00:00.123 ERROR api could not reach the\n    \
             upstream ?]0;evil? in time http.status=504 why=\"too\n    slow\"\n"
        );
    }

    #[test]
    fn what_matched_is_marked_where_there_are_colours() {
        assert!(written(true, &line(vec![(9, 16)])).contains("upstream \x1b[1;30;43mtimeout\x1b[0m"));
        assert!(!written(false, &line(vec![(9, 16)])).contains('\x1b'));
    }
}
