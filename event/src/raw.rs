//! What a decoder hands over: one event as it came, and what was wrong with those that cannot be one.

use std::borrow::Cow;

use crate::level::Level;
use crate::value::Object;

/// One event as it came. Decoders of protocols fill what the protocol itself says; `fields` is read by its names.
#[derive(Debug, Clone, Default)]
pub struct RawEvent<'a> {
    /// Its place in the request, for answers.
    pub index: usize,
    /// Its bytes as they came, for the dead letters; when a decoder leaves them empty, a reject has the event in our
    /// own names instead.
    pub original: Cow<'a, [u8]>,
    pub timestamp_ns: Option<i64>,
    pub level: Option<Level>,
    /// The level is the default of whoever forwards: one that the event itself says wins.
    pub level_is_weak: bool,
    pub source: Option<Cow<'a, str>>,
    /// The source when neither the protocol nor the event says one; empty for the request's.
    pub default_source: Cow<'a, str>,
    pub host: Option<Cow<'a, str>>,
    pub message: Option<Cow<'a, str>>,
    pub trace_id: Option<Cow<'a, str>>,
    pub span_id: Option<Cow<'a, str>>,
    /// Everything else, by the names the client uses.
    pub fields: Object<'a>,
    /// The message is a bare line: if it is a JSON object, that is the event.
    pub is_line: bool,
    /// Broken UTF-8 was replaced.
    pub repaired: bool,
}

impl<'a> RawEvent<'a> {
    /// An event that is a JSON object.
    pub fn from_object(index: usize, fields: Object<'a>) -> Self {
        Self { index, fields, ..Self::default() }
    }

    /// An event that is a line, or a group of lines, of text.
    pub fn from_line(index: usize, line: impl Into<Cow<'a, str>>) -> Self {
        Self { index, message: Some(line.into()), is_line: true, ..Self::default() }
    }
}

/// Why an event was not accepted. `as_str` is the stable code of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectCode {
    InvalidJson,
    NotAnObject,
    TooDeep,
    TooManyValues,
    /// Something that its protocol has and a log has not.
    Unsupported,
    InvalidTimestamp,
    TooOld,
    InTheFuture,
}

impl RejectCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::Unsupported => "unsupported",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::TooOld => "too_old",
            Self::InTheFuture => "in_the_future",
        }
    }
}

/// One event that was not accepted; the others of its request are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject<'a> {
    pub index: usize,
    pub code: RejectCode,
    pub detail: String,
    pub original: Cow<'a, [u8]>,
}

/// A body that is broken as a whole: nothing of it may be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// The byte at which reading ended.
    pub offset: usize,
    pub detail: String,
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the body is broken at byte {}: {}", self.offset, self.detail)
    }
}

impl std::error::Error for BodyError {}
