//! One accepted log event, as it is stored, searched and shown.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::level::Level;
use crate::pattern;
use crate::time::{format_rfc3339, write_rfc3339};
use crate::value::{Object, write_json_string};

/// An event. Empty strings mean that the field is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    pub timestamp_ns: i64,
    pub level: Level,
    pub source: Cow<'a, str>,
    pub host: Cow<'a, str>,
    pub message: Cow<'a, str>,
    pub trace_id: Cow<'a, str>,
    pub span_id: Cow<'a, str>,
    pub attributes: Object<'a>,
    /// What was done to the event on its way in; not stored.
    pub marks: Marks,
}

/// What was done to an event, for counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Texts that were cut.
    pub cut: u32,
    /// Attributes that went to `_overflow_fields`.
    pub overflowed: u32,
    pub ansi_removed: bool,
    /// Broken UTF-8 was replaced.
    pub repaired: bool,
    /// The event said no time, so it has that of its arrival.
    pub time_of_arrival: bool,
}

impl Event<'_> {
    pub fn into_owned(self) -> Event<'static> {
        let owned = |text: Cow<str>| Cow::Owned(text.into_owned());
        Event {
            timestamp_ns: self.timestamp_ns,
            level: self.level,
            source: owned(self.source),
            host: owned(self.host),
            message: owned(self.message),
            trace_id: owned(self.trace_id),
            span_id: owned(self.span_id),
            attributes: self.attributes.into_owned(),
            marks: self.marks,
        }
    }

    /// The fingerprint of the message's shape.
    pub fn pattern_id(&self) -> u64 {
        pattern::id(&self.message)
    }

    /// Appends the event in the shape of the API's answers, which is also one that ingest takes.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        write_rfc3339(self.timestamp_ns, out);
        out.extend_from_slice(b"\",\"level\":");
        match self.level.name() {
            Some(name) => write_json_string(name, out),
            None => out.extend_from_slice(b"null"),
        }
        let texts = [
            ("source", &self.source),
            ("host", &self.host),
            ("message", &self.message),
            ("trace_id", &self.trace_id),
            ("span_id", &self.span_id),
        ];
        for (name, text) in texts {
            out.push(b',');
            write_json_string(name, out);
            out.push(b':');
            write_json_string(text, out);
        }
        out.extend_from_slice(b",\"attributes\":");
        self.attributes.write_json(out);
        out.push(b'}');
    }

    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(256 + self.message.len());
        self.write_json(&mut out);
        String::from_utf8(out).expect("the writer copies strings and writes ASCII")
    }
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 8)?;
        event.serialize_field("timestamp", &format_rfc3339(self.timestamp_ns))?;
        event.serialize_field("level", &self.level)?;
        event.serialize_field("source", &self.source)?;
        event.serialize_field("host", &self.host)?;
        event.serialize_field("message", &self.message)?;
        event.serialize_field("trace_id", &self.trace_id)?;
        event.serialize_field("span_id", &self.span_id)?;
        event.serialize_field("attributes", &self.attributes)?;
        event.end()
    }
}
