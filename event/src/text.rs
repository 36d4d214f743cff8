//! What plain text says about itself: time, level, program, and the fields of known formats.
//!
//! The text itself is never changed. A format is only recognised by its whole shape, so that a sentence with a
//! `=` or a bracket in it gives no fields. Field names are those of structured events: `http.status`, `client.ip`,
//! `thread`, `pid`, `error.type`.

use std::borrow::Cow;

use crate::alias::{self, LevelKind, Slot};
use crate::level::{self, Level};
use crate::stated::read_time;
use crate::value::{Object, Value};

mod access;
mod header;
mod logfmt;
pub mod syslog;
mod traces;

pub(crate) use header::begins_event;
pub(crate) use traces::{exception, is_frame};

/// A text with more fields than this is data, and gives none; an event that has more gets no further ones.
pub(crate) const MOST_FIELDS: usize = 512;

/// What was found in a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings<'a> {
    pub time_ns: Option<i64>,
    pub level: Option<Level>,
    /// The program or logger that wrote the line.
    pub program: Option<Cow<'a, str>>,
    pub host: Option<Cow<'a, str>>,
    pub trace_id: Option<Cow<'a, str>>,
    pub span_id: Option<Cow<'a, str>>,
    pub attributes: Object<'a>,
}

/// Reads a message.
pub fn recognise(text: &str, now_ns: i64) -> Findings<'_> {
    let first_line = text.split('\n').next().unwrap_or_default();
    let mut found = one_line(first_line, text, now_ns);
    if first_line.len() < text.len() {
        traces::add_to(&mut found, text);
    }
    found
}

fn one_line<'a>(line: &'a str, text: &'a str, now_ns: i64) -> Findings<'a> {
    let start = line.trim_ascii_start();
    let by_shape = match start.as_bytes().first() {
        None => return Findings::default(),
        Some(b'{') => json(text, now_ns),
        Some(b'<') => syslog::findings(start, now_ns),
        Some(_) => logfmt::findings(start, now_ns).or_else(|| access::findings(start, now_ns)),
    };
    by_shape.unwrap_or_else(|| header::findings(start, now_ns))
}

/// A JSON object that stands in a message: its members are fields of the event.
fn json(text: &str, now_ns: i64) -> Option<Findings<'_>> {
    let object = crate::normalise::json_object(text).filter(|object| object.len() <= MOST_FIELDS)?;
    let mut found = Findings::default();
    for (name, value) in object {
        found.member(name, value, now_ns);
    }
    Some(found)
}

impl<'a> Findings<'a> {
    pub fn into_owned(self) -> Findings<'static> {
        let owned = |text: Option<Cow<str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Findings {
            time_ns: self.time_ns,
            level: self.level,
            program: owned(self.program),
            host: owned(self.host),
            trace_id: owned(self.trace_id),
            span_id: owned(self.span_id),
            attributes: self.attributes.into_owned(),
        }
    }

    /// Takes a named value: as time, level or trace if it is one, else as an attribute.
    fn member(&mut self, name: Cow<'a, str>, value: Value<'a>, now_ns: i64) {
        let slot = alias::of(&name).map(|alias| alias.slot);
        match (slot, &value) {
            (Some(Slot::Time(_)), _) if self.time_ns.is_none() => {
                self.time_ns = read_time(&value, now_ns);
                if self.time_ns.is_some() {
                    return;
                }
            }
            (Some(Slot::Level(LevelKind::Scale(scale))), Value::String(word)) if self.level.is_none() => {
                self.level = level::read_text(word, scale).map(|reading| reading.level);
            }
            (Some(Slot::Level(LevelKind::Scale(scale))), Value::Int(number)) if self.level.is_none() => {
                self.level = level::read_number(*number, scale).map(|reading| reading.level);
            }
            (Some(Slot::TraceId), Value::String(id)) => self.trace_id = Some(id.clone()),
            (Some(Slot::SpanId), Value::String(id)) => self.span_id = Some(id.clone()),
            _ => {}
        }
        self.attributes.push(name, value);
    }

    fn attribute(&mut self, name: &'static str, value: Value<'a>) {
        self.attributes.push(name, value);
    }

    fn text(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() && text != "-" {
            self.attributes.push(name, Value::string(text));
        }
    }

    fn number(&mut self, name: &'static str, text: &'a str) {
        if let Ok(number) = text.parse() {
            self.attributes.push(name, Value::Int(number));
        }
    }
}

/// A value that was written without quotes: a number or boolean if it reads back the same, else text.
fn bare_value(text: &str) -> Value<'_> {
    let plain_number = text.len() < 20
        && text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && text.ends_with(|last: char| last.is_ascii_digit());
    if plain_number && let Some(number) = read_number(text) {
        return number;
    }
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::string(text),
    }
}

fn read_number(text: &str) -> Option<Value<'static>> {
    if let Ok(number) = text.parse::<i64>() {
        return (number.to_string() == text).then_some(Value::Int(number));
    }
    let number = text.parse::<f64>().ok()?;
    (number.to_string() == text).then_some(Value::Float(number))
}

#[cfg(test)]
mod tests;
