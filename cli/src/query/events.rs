//! The events in a block of bytes, as ingest would read them.
//!
//! A file is not refused for its times: events from the future or of an unreadable time are shown too. Lines without
//! a time get that of their file.

use super::needle::Needle;
use super::sieve::{Sieve, Sight};
use crate::input::Block;
use anyhow::{Result, bail};
use event::{Content, Event, Groups, Intake, Object, RawEvent, RejectCode};
use query_lang::eval;
use query_lang::eval::run::Wanted;
use serde_json::{Map, Value as Json};

/// An event, and what it was read from.
pub struct Found<'b> {
    pub event: Event<'b>,
    pub original: &'b [u8],
    /// A line of text, which is the message as a whole.
    pub is_text: bool,
}

/// What tells early that an event is not looked for.
#[derive(Clone, Copy, Default)]
pub struct Lens<'p> {
    pub needle: Option<&'p Needle>,
    pub sieve: Option<Sieve<'p>>,
}

/// Calls `visit` with every event that may match, and with as much of it as the sieve wants.
pub fn each<'b>(block: &'b Block, lens: Lens, visit: &mut dyn FnMut(Found<'b>) -> Result<()>) -> Result<()> {
    let Lens { needle, sieve } = lens;
    let reader = Reader { time_ns: block.origin.time_ns, sieve };
    if block.is_document {
        return reader.document(block, visit);
    }
    let bytes = block.bytes.as_slice();
    let needle = needle.map(|needle| needle.within(bytes));
    if !is_json_lines(bytes) {
        for group in Groups::of_body(bytes) {
            if needle.is_none_or(|needle| needle.is_match(group)) {
                reader.line(group, visit)?;
            }
        }
        return Ok(());
    }
    let mut at = 0;
    while at < bytes.len() {
        let (start, end) = match needle {
            None => (at, line_end(bytes, at)),
            Some(needle) => {
                let Some(place) = needle.find_at(bytes, at).map(|found| found.start()) else { break };
                let start = memchr::memrchr(b'\n', &bytes[at..place]).map_or(at, |newline| at + newline + 1);
                (start, line_end(bytes, place))
            }
        };
        let line = bytes[start..end].trim_ascii();
        if !line.is_empty() {
            reader.line(line, visit)?;
        }
        at = end + 1;
    }
    Ok(())
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline)
}

/// Whether every line is a JSON object, so that no line belongs to another.
fn is_json_lines(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'{')
        && memchr::memchr_iter(b'\n', bytes).all(|at| matches!(bytes.get(at + 1), None | Some(b'{')))
}

struct Reader<'p> {
    time_ns: i64,
    sieve: Option<Sieve<'p>>,
}

impl Reader<'_> {
    fn line<'b>(&self, line: &'b [u8], visit: &mut dyn FnMut(Found<'b>) -> Result<()>) -> Result<()> {
        if let Some(sieve) = &self.sieve {
            match sieve.look(line) {
                Sight::Gone => return Ok(()),
                Sight::Enough(event) => {
                    return visit(Found { event: *event, original: line, is_text: false });
                }
                Sight::Unclear => {}
            }
        }
        let text = String::from_utf8_lossy(line);
        let is_text = line.first() != Some(&b'{');
        let event = self.event(&|| RawEvent::from_line(0, text.clone()), line);
        let is_text = is_text || event.message.as_bytes() == line;
        visit(Found { event, original: line, is_text })
    }

    fn document<'b>(&self, block: &'b Block, visit: &mut dyn FnMut(Found<'b>) -> Result<()>) -> Result<()> {
        for item in event::decode(&block.bytes, Content::Json) {
            let original = match item {
                Err(broken) => bail!("{}: {broken}", block.origin.name),
                Ok(Err(reject)) => {
                    bail!("{}: event {}: {}", block.origin.name, reject.index + 1, reject.detail)
                }
                Ok(Ok(raw)) => match raw.original {
                    std::borrow::Cow::Borrowed(original) => original,
                    std::borrow::Cow::Owned(_) => bail!("{}: not readable", block.origin.name),
                },
            };
            self.line(original, visit)?;
        }
        Ok(())
    }

    fn event<'b>(&self, raw: &dyn Fn() -> RawEvent<'b>, line: &'b [u8]) -> Event<'b> {
        let (now_ns, retention_ns) = (self.time_ns, i64::MAX);
        let intake = Intake { retention_ns, ..Intake::new(now_ns, 1) };
        let reject = match intake.normalise(raw()) {
            Ok(event) => return event,
            Err(reject) => reject,
        };
        if reject.code == RejectCode::InTheFuture {
            let late = Intake { now_ns: i64::MAX, ..intake };
            if let Ok(event) = late.normalise(raw()) {
                return event;
            }
        }
        let message = String::from_utf8_lossy(line);
        Event { timestamp_ns: self.time_ns, message, ..Event::default() }
    }
}

/// The event as the evaluator sees it.
pub fn view<'v>(event: &'v Event, id: &'v str, attributes: &'v Map<String, Json>) -> eval::Event<'v> {
    eval::Event {
        id,
        timestamp_ns: event.timestamp_ns,
        level: event.level.name().and_then(query_lang::ast::Level::from_name),
        source: &event.source,
        host: &event.host,
        message: &event.message,
        trace_id: &event.trace_id,
        span_id: &event.span_id,
        attributes,
    }
}

/// Those of the attributes that are wanted.
pub fn attributes(object: &Object, wanted: &Wanted) -> Map<String, Json> {
    let wanted = object.iter().filter(|(name, _)| wanted.holds(name));
    wanted.map(|(name, value)| (name.to_owned(), json(value))).collect()
}

fn json(value: &event::Value) -> Json {
    match value {
        event::Value::Null => Json::Null,
        event::Value::Bool(value) => Json::Bool(*value),
        event::Value::Int(number) => Json::from(*number),
        event::Value::UInt(number) => Json::from(*number),
        event::Value::Float(number) => Json::from(*number),
        event::Value::Digits(text) | event::Value::String(text) => Json::from(text.as_ref()),
        event::Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        event::Value::Object(object) => Json::Object(attributes(object, &Wanted::All)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Origin;
    use std::sync::Arc;

    fn messages(text: &str, needle: Option<&str>) -> Vec<String> {
        let origin = Arc::new(Origin { name: "test".to_owned(), time_ns: 1_773_136_800_000_000_000 });
        let block =
            Block { index: 0, bytes: text.as_bytes().to_vec(), is_document: text.starts_with('['), origin };
        let needle = needle
            .and_then(|word| Needle::of(query_lang::parse(word).expect("a query").query.filter.as_ref()));
        let mut messages = Vec::new();
        let mut visit = |found: Found| {
            messages.push(found.event.message.into_owned());
            Ok(())
        };
        each(&block, Lens { needle: needle.as_ref(), sieve: None }, &mut visit).expect("readable");
        messages
    }

    #[test]
    fn json_lines_texts_traces_and_documents_give_their_events() {
        assert_eq!(messages("{\"msg\":\"a\"}\n{\"msg\":\"b\"}\n", None), ["a", "b"]);
        assert_eq!(messages("{\"msg\":\"a\"}\nplain\n", None), ["a", "plain"]);
        let trace = "java.lang.E: x\n\tat a.b(C.java:1)";
        assert_eq!(messages(&format!("one\n{trace}\ntwo"), None), ["one", trace, "two"]);
        assert_eq!(messages("[{\"msg\":\"a\"},{\"msg\":\"b\"}]", None), ["a", "b"]);
    }

    #[test]
    fn events_from_the_future_and_of_unreadable_times_are_shown() {
        let lines = "{\"timestamp\":\"2199-01-01T00:00:00Z\",\"msg\":\"late\"}\n{\"timestamp\":\"soon\",\"msg\":\"odd\"}\n";
        assert_eq!(messages(lines, None), ["late", "{\"timestamp\":\"soon\",\"msg\":\"odd\"}"]);
    }

    #[test]
    fn with_a_needle_only_lines_that_hold_it_are_read() {
        let lines = "{\"msg\":\"has needle\"}\n{\"msg\":\"nothing\"}\n{\"msg\":\"NEEDLE two needle\"}\n{\"msg\":\"x\"}";
        assert_eq!(messages(lines, Some("needle")), ["has needle", "NEEDLE two needle"]);
        assert_eq!(messages("nothing\na needle\nx", Some("needle")), ["a needle"]);
    }
}
