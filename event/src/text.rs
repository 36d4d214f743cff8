//! What plain text says about itself: a time and a level at its start, and the fields of known formats.
//!
//! The text itself is never changed. A format is only recognised by its whole shape, so that a sentence with a
//! `=` or a bracket in it gives no fields.

use std::borrow::Cow;

use crate::level::Level;
use crate::value::Object;

mod header;

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

impl Findings<'_> {
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
}

/// Reads a message.
pub fn recognise(text: &str, now_ns: i64) -> Findings<'_> {
    header::recognise(text, now_ns)
}
