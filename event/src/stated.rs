//! Takes out of an event's members what they say about its own fields.
//!
//! Of several names for one field the first in rank whose value makes sense is taken; the others stay. An object
//! or an array under an alias is not the alias.

use std::borrow::Cow;

use crate::alias::{self, Alias, LevelKind, Slot, TimeKind};
use crate::ansi;
use crate::level::{self, Level, Reading, Scale};
use crate::normalise::Intake;
use crate::raw::RawEvent;
use crate::time;
use crate::value::{Object, Value};

/// What the members said.
#[derive(Debug, Default)]
pub struct Stated<'a> {
    pub time: Option<i64>,
    /// What stands where only a time may stand.
    pub bad_time: Option<String>,
    pub level: Option<Level>,
    pub source: Option<Cow<'a, str>>,
    pub host: Option<Cow<'a, str>>,
    pub message: Option<Cow<'a, str>>,
    pub trace_id: Option<Cow<'a, str>>,
    pub span_id: Option<Cow<'a, str>>,
}

impl<'a> Stated<'a> {
    /// Takes the values it uses out of the members; what is left are attributes (and nulls). What the protocol has
    /// said already is not looked for, so that the members that say it otherwise stay.
    pub fn take_from(fields: &mut Object<'a>, said: Said, intake: &Intake) -> Self {
        let mut picks = Picks::default();
        let open = |alias: &Alias| !said.has(alias.slot);
        for (position, (name, value)) in fields.members.iter_mut().enumerate() {
            if let Some(alias) = alias::of(name).filter(open) {
                picks.offer(alias, value, Place { outer: position, inner: None }, intake);
                // Core strings are missing when they are empty.
                if alias.rank == 0 && value.as_str() == Some("") {
                    *value = Value::Null;
                }
            }
            if let (Value::Object(inner), true) = (&*value, alias::may_nest(name)) {
                for (inner_position, (inner_name, value)) in inner.iter().enumerate() {
                    let place = Place { outer: position, inner: Some(inner_position) };
                    if let Some(alias) = alias::of_nested(name, inner_name).filter(open) {
                        picks.offer(alias, value, place, intake);
                    }
                }
            }
        }
        picks.take(fields)
    }
}

/// Which of its own fields an event has from its protocol.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    time: bool,
    level: bool,
    source: bool,
    host: bool,
    message: bool,
    trace_id: bool,
    span_id: bool,
}

impl Said {
    pub fn by(raw: &RawEvent) -> Self {
        let says = |text: &Option<Cow<str>>| text.as_ref().is_some_and(|text| !text.is_empty());
        Self {
            time: raw.timestamp_ns.is_some(),
            level: !raw.level_is_weak && raw.level.is_some_and(|level| level != Level::Unknown),
            source: says(&raw.source),
            host: says(&raw.host),
            message: says(&raw.message),
            trace_id: says(&raw.trace_id),
            span_id: says(&raw.span_id),
        }
    }

    fn has(self, slot: Slot) -> bool {
        match slot {
            Slot::Time(_) => self.time,
            Slot::Level(_) => self.level,
            Slot::Source => self.source,
            Slot::Host => self.host,
            Slot::Message => self.message,
            Slot::TraceId => self.trace_id,
            Slot::SpanId => self.span_id,
        }
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    outer: usize,
    inner: Option<usize>,
}

impl Place {
    fn take<'a>(self, fields: &mut Object<'a>) -> Value<'a> {
        let outer = &mut fields.members[self.outer].1;
        let value = match (outer, self.inner) {
            (Value::Object(object), Some(inner)) => &mut object.members[inner].1,
            (value, _) => value,
        };
        std::mem::replace(value, Value::Null)
    }

    fn take_text<'a>(self, fields: &mut Object<'a>) -> Cow<'a, str> {
        match self.take(fields) {
            Value::String(text) | Value::Digits(text) => text,
            other => Cow::Owned(other.to_json()),
        }
    }
}

/// The best value so far for a field.
#[derive(Debug)]
struct Pick<T> {
    rank: u8,
    place: Place,
    value: T,
}

#[derive(Debug, Default)]
struct Picks {
    time: Option<Pick<i64>>,
    bad_time: Option<String>,
    level: Option<Pick<Reading>>,
    source: Option<Pick<()>>,
    host: Option<Pick<()>>,
    message: Option<Pick<()>>,
    trace_id: Option<Pick<()>>,
    span_id: Option<Pick<()>>,
}

impl Picks {
    fn offer(&mut self, alias: Alias, value: &Value, place: Place, intake: &Intake) {
        let rank = alias.rank;
        match alias.slot {
            Slot::Time(kind) => self.offer_time(kind, rank, value, place, intake),
            Slot::Level(kind) => self.offer_level(kind, rank, value, place),
            Slot::Message if matches!(value, Value::Bool(_)) => improve(&mut self.message, rank, place, ()),
            slot if is_text(value) => {
                let pick = match slot {
                    Slot::Source => &mut self.source,
                    Slot::Host => &mut self.host,
                    Slot::Message => &mut self.message,
                    Slot::TraceId => &mut self.trace_id,
                    _ => &mut self.span_id,
                };
                improve(pick, rank, place, ());
            }
            _ => {}
        }
    }

    fn offer_time(&mut self, kind: TimeKind, rank: u8, value: &Value, place: Place, intake: &Intake) {
        let time = match kind {
            TimeKind::Micros => read_micros(value),
            _ => read_time(value, intake.now_ns),
        };
        let plausible = match kind {
            TimeKind::Strict | TimeKind::Micros => true,
            TimeKind::Usual => is_recent_enough(value),
            TimeKind::Weak => {
                is_recent_enough(value) && time.is_some_and(|time| intake.check_time(time).is_ok())
            }
        };
        match time {
            Some(time) if plausible => improve(&mut self.time, rank, place, time),
            None if kind == TimeKind::Strict && !may_be_absent(value) => {
                self.bad_time = Some(value.to_json())
            }
            _ => {}
        }
    }

    fn offer_level(&mut self, kind: LevelKind, rank: u8, value: &Value, place: Place) {
        let reading = match (kind, value) {
            (LevelKind::Word, Value::String(word)) => {
                Level::parse(word).and_then(|_| level::read_text(word, Scale::Any))
            }
            (LevelKind::Word, _) => None,
            (LevelKind::Scale(scale), Value::String(text)) => {
                level::read_text(&ansi::strip(Cow::Borrowed(text)), scale)
            }
            (LevelKind::Scale(scale), Value::Int(number)) => level::read_number(*number, scale),
            (LevelKind::Scale(scale), Value::Float(number)) if number.fract() == 0.0 => {
                level::read_number(*number as i64, scale)
            }
            _ => None,
        };
        if let Some(reading) = reading {
            improve(&mut self.level, rank, place, reading);
        }
    }

    fn take<'a>(self, fields: &mut Object<'a>) -> Stated<'a> {
        if let Some(time) = &self.time {
            time.place.take(fields);
        }
        if let Some(level) = self.level.as_ref().filter(|level| level.value.exact) {
            level.place.take(fields);
        }
        let mut text = |pick: Option<Pick<()>>| pick.map(|pick| pick.place.take_text(fields));
        Stated {
            time: self.time.map(|pick| pick.value),
            bad_time: self.bad_time,
            level: self.level.map(|pick| pick.value.level),
            source: text(self.source),
            host: text(self.host),
            message: text(self.message),
            trace_id: text(self.trace_id),
            span_id: text(self.span_id),
        }
    }
}

fn improve<T>(pick: &mut Option<Pick<T>>, rank: u8, place: Place, value: T) {
    if pick.as_ref().is_none_or(|best| rank < best.rank) {
        *pick = Some(Pick { rank, place, value });
    }
}

/// A string that says something, or a number.
fn is_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Digits(_) => true,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn may_be_absent(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Object(_)) || value.as_str() == Some("")
}

pub(crate) fn read_time(value: &Value, now_ns: i64) -> Option<i64> {
    match value {
        Value::Int(number) => Some(time::from_number(*number)),
        Value::UInt(number) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::Float(number) => Some(time::from_float(*number)),
        Value::Digits(text) => time::parse_epoch(text),
        Value::String(text) => time::parse(text, now_ns),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn read_micros(value: &Value) -> Option<i64> {
    let micros = match value {
        Value::Int(number) => *number,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Some(micros.saturating_mul(1_000))
}

/// Under names that are not only used for times, a small number is a duration or a count.
fn is_recent_enough(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number >= 100_000_000,
        Value::Float(number) => *number >= 1e8,
        _ => true,
    }
}
