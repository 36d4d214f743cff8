//! Reads an event of a line of JSON only as far as somebody wants it: several times as fast as reading all of it.
//!
//! It takes the plain case: own fields once each, as strings under their usual names, and a level that is a word. What is
//! anything else has to be read in full; where this reads an event, it is the one that `Intake::normalise` makes of the
//! line, without the attributes that nobody wants.

use std::borrow::Cow;

use crate::alias::{self, LevelKind, Slot, TimeKind};
use crate::event::{Event, Marks};
use crate::json::Reader;
use crate::level::{self, Level, Scale};
use crate::limits::{self, Limits};
use crate::time;
use crate::value::{Object, Value};

/// Longer lines and those with more values may be cut when they are read in full.
const MOST_BYTES: usize = 32 << 10;
const MOST_VALUES: usize = 200;

/// An event of which only its own fields have been read.
#[derive(Debug)]
pub struct Glance<'a> {
    /// Without attributes.
    pub event: Event<'a>,
    wanted: Vec<(&'a str, &'a [u8])>,
}

/// Looks at a line; the attributes are `wanted` by the names of the outermost members. Nothing when the line has to be read
/// in full.
pub fn glance<'a>(line: &'a [u8], wanted: impl Fn(&str) -> bool) -> Option<Glance<'a>> {
    let line = line.trim_ascii();
    if line.len() > MOST_BYTES || line.first() != Some(&b'{') || std::str::from_utf8(line).is_err() {
        return None;
    }
    let mut look = Look { reader: Reader::new(line), found: Found::default(), values: 0, wanted: Vec::new() };
    look.members(&wanted)?;
    let event = look.found.event()?;
    (look.values <= MOST_VALUES).then_some(Glance { event, wanted: look.wanted })
}

impl<'a> Glance<'a> {
    /// The event with the attributes that were wanted. Nothing when the line has to be read in full.
    pub fn with_attributes(mut self) -> Option<Event<'a>> {
        if self.wanted.is_empty() {
            return Some(self.event);
        }
        let attributes = &mut self.event.attributes;
        for (name, value) in self.wanted {
            attributes.push(name, Reader::new(value).value().ok()?);
        }
        attributes.settle();
        let mut marks = Marks::default();
        limits::fit_attributes(attributes, &Limits::default(), &mut marks);
        (marks == Marks::default()).then_some(self.event)
    }
}

struct Look<'a> {
    reader: Reader<'a>,
    found: Found<'a>,
    values: usize,
    wanted: Vec<(&'a str, &'a [u8])>,
}

/// The event's own fields, each at most once.
#[derive(Default)]
struct Found<'a> {
    time_ns: Option<i64>,
    level: Option<Level>,
    source: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    message: Option<Cow<'a, str>>,
    trace_id: Option<Cow<'a, str>>,
    span_id: Option<Cow<'a, str>>,
}

impl<'a> Look<'a> {
    fn members(&mut self, wanted: &impl Fn(&str) -> bool) -> Option<()> {
        self.reader.advance();
        self.reader.skip_blanks();
        loop {
            self.member(wanted)?;
            self.reader.skip_blanks();
            match self.reader.peek()? {
                b',' => self.reader.advance(),
                b'}' => break,
                _ => return None,
            }
            self.reader.skip_blanks();
        }
        self.reader.advance();
        // The line has been trimmed.
        self.reader.peek().is_none().then_some(())
    }

    fn member(&mut self, wanted: &impl Fn(&str) -> bool) -> Option<()> {
        let name = self.name()?;
        self.reader.pass_colon().ok()?;
        let first = self.reader.peek()?;
        match alias::of(name) {
            Some(alias) if first == b'"' => self.own(alias.slot),
            // A number such as `status: 200` is no level's word.
            Some(alias) if alias.slot == Slot::Level(LevelKind::Word) && first.is_ascii_digit() => {
                self.attribute(name, wanted)
            }
            Some(_) => None,
            None if first == b'{' && matches!(name, "attributes" | "fields") => None,
            None if first == b'{' && alias::may_nest(name) => None,
            None if name.is_empty() || name == limits::OVERFLOW || name == limits::TRUNCATED => None,
            None => self.attribute(name, wanted),
        }
    }

    /// A name without escapes.
    fn name(&mut self) -> Option<&'a str> {
        if self.reader.peek()? != b'"' {
            return None;
        }
        let start = self.reader.position() + 1;
        self.reader.pass_string().ok()?;
        let name = self.reader.since(start);
        let name = &name[..name.len() - 1];
        (!name.contains(&b'\\')).then(|| std::str::from_utf8(name).ok()).flatten()
    }

    fn attribute(&mut self, name: &'a str, wanted: &impl Fn(&str) -> bool) -> Option<()> {
        let start = self.reader.position();
        self.reader.pass_value(&mut self.values).ok()?;
        if wanted(name) {
            self.wanted.push((name, self.reader.since(start)));
        }
        Some(())
    }

    /// Takes a string as a field of the event's own.
    fn own(&mut self, slot: Slot) -> Option<()> {
        self.values += 1;
        let Value::String(text) = self.reader.value().ok()? else { return None };
        if text.is_empty() {
            return None;
        }
        let found = &mut self.found;
        match slot {
            Slot::Time(TimeKind::Strict | TimeKind::Usual) => once(&mut found.time_ns, instant(&text)?),
            Slot::Level(LevelKind::Scale(Scale::Any)) => {
                let reading = level::read_text(&text, Scale::Any).filter(|reading| reading.exact)?;
                once(&mut found.level, reading.level)
            }
            Slot::Time(_) | Slot::Level(_) => None,
            Slot::Source => once(&mut found.source, short(text)?),
            Slot::Host => once(&mut found.host, short(text)?),
            Slot::Message if text.as_bytes().contains(&0x1B) => None,
            Slot::Message => once(&mut found.message, text),
            Slot::TraceId => once(&mut found.trace_id, lower(short(text)?)?),
            Slot::SpanId => once(&mut found.span_id, lower(short(text)?)?),
        }
    }
}

impl<'a> Found<'a> {
    fn event(self) -> Option<Event<'a>> {
        Some(Event {
            timestamp_ns: self.time_ns?,
            // Without a level the message would be read for one.
            level: self.level.filter(|level| *level != Level::Unknown)?,
            source: self.source.unwrap_or_default(),
            host: self.host.unwrap_or_default(),
            message: self.message.unwrap_or_default(),
            trace_id: self.trace_id.unwrap_or_default(),
            span_id: self.span_id.unwrap_or_default(),
            attributes: Object::new(),
            marks: Marks::default(),
        })
    }
}

/// Of several names for one field, reading in full tells which counts.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A time that means the same whenever it is read: it begins with its year.
fn instant(text: &str) -> Option<i64> {
    let is_dated = matches!(text.as_bytes(), [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..]);
    if is_dated { time::parse(text, 0) } else { None }
}

fn short(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (text.len() <= 64).then_some(text)
}

fn lower(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Intake, RawEvent};
    use proptest::prelude::*;

    /// What reading in full makes of a line, with the wanted attributes alone.
    fn whole(line: &str, wanted: impl Fn(&str) -> bool) -> Option<Event<'static>> {
        let intake = Intake { retention_ns: i64::MAX, ..Intake::new(i64::MAX - (1 << 50), 1) };
        let mut event = intake.normalise(RawEvent::from_line(0, line)).ok()?.into_owned();
        event.attributes.members.retain(|(name, _)| wanted(name));
        event.attributes.members.sort_by(|a, b| a.0.cmp(&b.0));
        Some(event)
    }

    fn seen(line: &str, wanted: impl Fn(&str) -> bool) -> Option<Event<'static>> {
        let mut event = glance(line.as_bytes(), wanted)?.with_attributes()?.into_owned();
        event.attributes.members.sort_by(|a, b| a.0.cmp(&b.0));
        Some(event)
    }

    const LINE: &str = r#"{"timestamp":"2026-03-10T09:59:59.123456789Z","level":"error","source":"api","host":"web-1","message":"say \"boom\"","trace_id":"4bf9","http":{"status":500,"route":"/"},"n":1e3,"status":7}"#;

    #[test]
    fn a_plain_line_is_read_as_far_as_it_is_wanted() {
        let event = seen(LINE, |name| name == "http").expect("plain");
        assert_eq!(Some(&event), whole(LINE, |name| name == "http").as_ref());
        assert_eq!(event.attributes.to_json(), r#"{"http":{"status":500,"route":"/"}}"#);
        assert_eq!((&*event.message, event.level), ("say \"boom\"", Level::Error));
        assert!(seen(LINE, |_| false).expect("plain").attributes.is_empty());
    }

    #[test]
    fn what_is_not_plain_is_left_to_reading_in_full() {
        let plain = r#"{"timestamp":"2026-03-10T09:59:59Z","level":"info","message":"m","x":1}"#;
        assert!(seen(plain, |_| true).is_some());
        for (from, to) in [
            ("\"info\"", "30"),
            ("\"info\"", "\"notice\""),
            ("\"2026-03-10T09:59:59Z\"", "1773136800"),
            ("\"2026-03-10T09:59:59Z\"", "\"soon\""),
            ("\"x\":1", "\"msg\":\"other\""),
            ("\"x\":1", "\"level\":\"warn\""),
            ("\"x\":1", "\"fields\":{\"a\":1}"),
            ("\"x\":1", "\"service\":{\"name\":\"s\"}"),
            ("\"x\":1", "\"_truncated\":[]"),
            ("\"x\":1", "\"l\\u0065vel\":\"warn\""),
            ("\"x\":1", "\"x\":01"),
            ("\"m\"", "\"\\u001b[31mred\""),
            ("\"m\"", "\"\""),
            ("}", "} x"),
        ] {
            let line = plain.replacen(from, to, 1);
            assert_eq!(seen(&line, |_| true), None, "{line}");
        }
    }

    fn member() -> impl Strategy<Value = String> {
        let names = prop::sample::select(vec![
            "timestamp",
            "@timestamp",
            "time",
            "level",
            "severity",
            "lvl",
            "status",
            "source",
            "service",
            "name",
            "host",
            "hostname",
            "message",
            "msg",
            "log",
            "event",
            "trace_id",
            "span_id",
            "fields",
            "attributes",
            "http",
            "a",
            "a.b",
            "duration_ms",
            "_truncated",
            "_overflow_fields",
            "",
            "LEVEL",
            "x\\ty",
        ]);
        let values = prop::sample::select(vec![
            "\"2026-03-10T09:59:59Z\"",
            "\"2026-03-10 09:59:59.5+02:00\"",
            "\"error\"",
            "\"WARN\"",
            "\"notice\"",
            "\"7\"",
            "\"a \\\"b\\\"\"",
            "\"\\u00e9\"",
            "\"ABC\"",
            "\"\"",
            "1",
            "-2.50",
            "1e400",
            "01",
            "12345678901234567890123",
            "null",
            "true",
            "[1,\"x\",null]",
            "{\"b\":{\"c\":1},\"name\":\"n\"}",
            "{}",
            "[",
            "\"\\u001b[1mx\"",
            "NaN",
        ]);
        (names, values, prop::sample::select(vec!["", " "]))
            .prop_map(|(name, value, blank)| format!("\"{name}\"{blank}:{blank}{value}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_glance_sees_what_reading_in_full_sees(
            members in prop::collection::vec(member(), 0..6),
            is_whole in prop::bool::weighted(0.9),
            wants in 0..4_usize,
        ) {
            let usual = ["\"timestamp\":\"2026-03-10T09:59:59Z\"".to_owned(), "\"level\":\"info\"".to_owned()];
            let line = [usual.as_slice(), &members].concat().join(",");
            let line = format!("{{{line}{}", if is_whole { "}" } else { "" });
            let wanted = |name: &str| match wants {
                0 => false,
                1 => name.starts_with('a'),
                2 => ["http", "duration_ms", "status"].contains(&name),
                _ => true,
            };
            if let Some(event) = seen(&line, wanted) {
                prop_assert_eq!(Some(event), whole(&line, wanted), "{}", line);
            }
        }
    }
}
