//! What was written to a file as events: unwrapped from a container's log, joined where lines belong together.
//!
//! The same bytes always give the same events, so that a batch that is sent again is the same batch.

use super::config::{Format, Input, Multiline, Source};
use event::json::Reader;
use event::{Content, Groups, Intake, Object, Value, decode};
use std::borrow::Cow;
use std::ops::Range;

/// A line without what a container's log puts around it.
#[derive(Debug, PartialEq)]
struct Record<'b> {
    text: Cow<'b, [u8]>,
    /// Where the bytes behind its line begin.
    end: usize,
    time: Option<Cow<'b, str>>,
    stream: Option<Cow<'b, str>>,
}

/// Events as NDJSON, and how many they are.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    pub body: Vec<u8>,
    pub events: u64,
    pub filtered: u64,
}

/// How many of the bytes make whole events. The last event may still grow, unless `is_quiet`.
pub fn whole(bytes: &[u8], source: &Source, is_quiet: bool) -> usize {
    let lines = memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
    if is_quiet || lines == 0 {
        return lines;
    }
    let records = records(&bytes[..lines], format_of(source, bytes));
    let groups = groups(&records, &source.multiline);
    match groups.as_slice() {
        [.., before, _] => records[before.end - 1].end,
        // One event that may still grow, or none.
        [_] => 0,
        [] => lines,
    }
}

/// The events in bytes that hold whole lines.
pub fn batch(bytes: &[u8], source: &Source, file: &str) -> Batch {
    let records = records(bytes, format_of(source, bytes));
    let mut batch = Batch::default();
    for group in groups(&records, &source.multiline) {
        let object = object(&records[group], source, file);
        if source.filter.as_ref().is_some_and(|filter| !passes(filter, &object)) {
            batch.filtered += 1;
            continue;
        }
        object.write_json(&mut batch.body);
        batch.body.push(b'\n');
        batch.events += 1;
    }
    batch
}

/// Told by the first line.
fn format_of(source: &Source, bytes: &[u8]) -> Format {
    if source.format != Format::Auto {
        return source.format;
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.starts_with(b"{\"log\":") && line.ends_with(b"}") {
        Format::Docker
    } else if cri(line).is_some() {
        Format::Cri
    } else {
        Format::Lines
    }
}

fn records(bytes: &[u8], format: Format) -> Vec<Record<'_>> {
    let mut records: Vec<Record> = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    while start < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length + 1);
        let line = bytes[start..end].strip_suffix(b"\n").unwrap_or(&bytes[start..end]);
        let (record, continues) = unwrapped(line, end, format);
        match records.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.text.to_mut().extend_from_slice(&record.text);
                last.end = end;
            }
            None => records.push(record),
        }
        is_open = continues;
        start = end;
    }
    records
}

/// The line, and whether the next one belongs to it because a container runtime cut it.
fn unwrapped(line: &[u8], end: usize, format: Format) -> (Record<'_>, bool) {
    let plain = |line| Record { text: Cow::Borrowed(line), end, time: None, stream: None };
    match format {
        Format::Docker => docker(line, end).unwrap_or_else(|| (plain(line), false)),
        Format::Cri => match cri(line) {
            Some((time, stream, is_part, text)) => {
                let stream = Some(Cow::Borrowed(stream));
                (Record { text: Cow::Borrowed(text), end, time: Some(Cow::Borrowed(time)), stream }, is_part)
            }
            None => (plain(line), false),
        },
        Format::Auto | Format::Lines => (plain(line.strip_suffix(b"\r").unwrap_or(line)), false),
    }
}

/// `{"log":"text\n","stream":"stdout","time":"…"}`; a text without a line end goes on.
fn docker(line: &[u8], end: usize) -> Option<(Record<'_>, bool)> {
    let mut object = parsed(line)?;
    let text = |object: &mut Object, name: &str| match object.remove(name) {
        Some(Value::String(text)) => Some(Cow::<str>::Owned(text.into_owned())),
        _ => None,
    };
    let log = text(&mut object, "log")?.into_owned();
    let whole = log.strip_suffix('\n').map(|whole| whole.strip_suffix('\r').unwrap_or(whole));
    let continues = whole.is_none();
    let bytes = whole.unwrap_or(&log).as_bytes().to_vec();
    let (time, stream) = (text(&mut object, "time"), text(&mut object, "stream"));
    Some((Record { text: Cow::Owned(bytes), end, time, stream }, continues))
}

/// `2026-03-10T10:00:00.123Z stdout F text`; `P` instead of `F` goes on.
fn cri(line: &[u8]) -> Option<(&str, &str, bool, &[u8])> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let time = std::str::from_utf8(parts.next()?).ok()?;
    let stream =
        std::str::from_utf8(parts.next()?).ok().filter(|name| ["stdout", "stderr"].contains(name))?;
    let tag = parts.next()?;
    let is_time = time.len() >= 20 && time.as_bytes()[10] == b'T';
    let is_part = tag.first() == Some(&b'P');
    (is_time && matches!(tag.first(), Some(b'P' | b'F')))
        .then(|| (time, stream, is_part, parts.next().unwrap_or_default()))
}

/// Which records are one event each. Blank ones are none.
fn groups(records: &[Record], multiline: &Multiline) -> Vec<Range<usize>> {
    let is_blank = |record: &Record| record.text.trim_ascii().is_empty();
    let mut groups: Vec<Range<usize>> = Vec::new();
    match multiline {
        Multiline::Auto => return by_shape(records),
        Multiline::Never => {
            groups.extend(
                (0..records.len()).filter(|index| !is_blank(&records[*index])).map(|index| index..index + 1),
            );
        }
        Multiline::Start(start) => {
            for (index, record) in records.iter().enumerate() {
                match groups.last_mut() {
                    Some(last) if !start.is_match(&record.text) => last.end = index + 1,
                    None if is_blank(record) => {}
                    _ => groups.push(index..index + 1),
                }
            }
        }
    }
    groups
}

/// As the server tells the traces in a body of text.
fn by_shape(records: &[Record]) -> Vec<Range<usize>> {
    let mut text = Vec::new();
    let mut starts = Vec::with_capacity(records.len());
    for record in records {
        starts.push(text.len());
        text.extend_from_slice(&record.text);
        text.push(b'\n');
    }
    let base = text.as_ptr() as usize;
    let index_of = |offset: usize| starts.partition_point(|start| *start <= offset).saturating_sub(1);
    let range = |group: &[u8]| {
        let start = group.as_ptr() as usize - base;
        index_of(start)..index_of(start + group.len().max(1) - 1) + 1
    };
    Groups::of_body(&text).map(range).collect()
}

/// A line that is a JSON object is that object, everything else is a message.
fn object(records: &[Record], source: &Source, file: &str) -> Object<'static> {
    let first = &records[0];
    let text: Cow<[u8]> = match records {
        [one] => Cow::Borrowed(one.text.as_ref()),
        many => Cow::Owned(many.iter().map(|record| record.text.as_ref()).collect::<Vec<_>>().join(&b'\n')),
    };
    let mut object = parsed(text.trim_ascii()).map(Object::into_owned).unwrap_or_else(|| {
        let mut object = Object::new();
        object.push("message", Value::string(String::from_utf8_lossy(&text).into_owned()));
        object
    });
    if matches!(source.input, Input::Journald { .. }) {
        text_of_bytes(&mut object, "MESSAGE");
    }
    let has_time = ["timestamp", "@timestamp", "time", "ts"].iter().any(|name| object.get(name).is_some());
    if let Some(time) = first.time.as_ref().filter(|_| !has_time) {
        object.push("timestamp", Value::string(time.clone().into_owned()));
    }
    let mut add = |name: &str, value: Value<'static>| {
        if object.get_path(name).is_none() {
            object.push(name.to_owned(), value);
        }
    };
    if let Some(stream) = &first.stream {
        add("stream", Value::string(stream.clone().into_owned()));
    }
    if !file.is_empty() {
        add("file", Value::string(file.to_owned()));
    }
    for (name, value) in &source.fields {
        add(name, of_json(value));
    }
    object
}

/// The journal writes texts that are no UTF-8, or hold colours, as lists of bytes.
fn text_of_bytes(object: &mut Object<'static>, name: &str) {
    let Some(Value::Array(items)) = object.get(name) else { return };
    let byte = |item: &Value| match item {
        Value::Int(number) => u8::try_from(*number).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    if let Some(bytes) = bytes {
        object.insert(name.to_owned(), Value::string(String::from_utf8_lossy(&bytes).into_owned()));
    }
}

fn parsed(text: &[u8]) -> Option<Object<'_>> {
    if !text.starts_with(b"{") || !text.ends_with(b"}") {
        return None;
    }
    let mut reader = Reader::new(text);
    match reader.value() {
        Ok(Value::Object(object)) if reader.peek().is_none() => Some(object),
        _ => None,
    }
}

fn of_json(value: &serde_json::Value) -> Value<'static> {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::string(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(of_json).collect()),
        Json::Object(map) => {
            let mut object = Object::new();
            map.iter().for_each(|(name, value)| object.insert(name.clone(), of_json(value)));
            Value::Object(object)
        }
    }
}

/// Whether the event that the server will make of it passes.
fn passes(filter: &query_lang::eval::Matcher, object: &Object) -> bool {
    let body = object.to_json();
    let intake = Intake { retention_ns: i64::MAX, ..Intake::new(i64::MAX - 1, 1) };
    let raw = decode(body.as_bytes(), Content::Json).next().and_then(Result::ok).and_then(Result::ok);
    let Some(event) = raw.and_then(|raw| intake.normalise(raw).ok()) else { return true };
    let attributes = crate::query::attributes(&event.attributes);
    filter.matches(&crate::query::view(&event, "", &attributes))
}

#[cfg(test)]
mod tests {
    use super::super::config::Start;
    use super::*;

    fn source(format: Format, multiline: Multiline) -> Source {
        Source {
            input: Input::Stdin,
            name: None,
            format,
            multiline,
            filter: None,
            start: Start::Beginning,
            fields: Default::default(),
        }
    }

    fn bodies(text: &str, source: &Source) -> Vec<String> {
        let batch = batch(text.as_bytes(), source, "");
        String::from_utf8(batch.body).expect("text").lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_of_containers_are_unwrapped_joined_and_keep_their_time() {
        let docker = "{\"log\":\"first half, \",\"stream\":\"stdout\",\"time\":\"2026-03-10T10:00:00.1Z\"}\n\
                      {\"log\":\"second\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-10T10:00:00.2Z\"}\n\
                      {\"log\":\"java.lang.E: x\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-10T10:00:01Z\"}\n\
                      {\"log\":\"\\tat a.b(C.java:1)\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-10T10:00:01Z\"}\n";
        let expected = [
            r#"{"message":"first half, second","timestamp":"2026-03-10T10:00:00.1Z","stream":"stdout"}"#,
            r#"{"message":"java.lang.E: x\n\tat a.b(C.java:1)","timestamp":"2026-03-10T10:00:01Z","stream":"stderr"}"#,
        ];
        assert_eq!(bodies(docker, &source(Format::Auto, Multiline::Auto)), expected);
        let cri = "2026-03-10T10:00:00.1Z stdout P first half, \n2026-03-10T10:00:00.2Z stdout F second\n\
                   2026-03-10T10:00:01Z stderr F {\"msg\":\"x\",\"time\":\"2026-03-10T09:00:00Z\"}\n";
        let expected = [
            r#"{"message":"first half, second","timestamp":"2026-03-10T10:00:00.1Z","stream":"stdout"}"#,
            r#"{"msg":"x","time":"2026-03-10T09:00:00Z","stream":"stderr"}"#,
        ];
        assert_eq!(bodies(cri, &source(Format::Auto, Multiline::Auto)), expected);
    }

    #[test]
    fn an_event_that_may_still_grow_waits_until_it_is_quiet() {
        let auto = source(Format::Auto, Multiline::Auto);
        let text = "one\njava.lang.E: x\n\tat a.b(C.java:1)\n\tat unfin";
        assert_eq!(whole(text.as_bytes(), &auto, false), 4);
        assert_eq!(whole(text.as_bytes(), &auto, true), text.rfind('\n').expect("a line") + 1);
        assert_eq!(whole(b"one\n", &auto, false), 0);
        assert_eq!(whole(b"\n\n", &auto, false), 2);
        assert_eq!(whole(b"unfinished", &auto, true), 0);
    }

    #[test]
    fn texts_that_the_journal_writes_as_bytes_are_read() {
        let input = Input::Journald { units: Vec::new(), folder: None };
        let journal = Source { input, ..source(Format::Auto, Multiline::Auto) };
        assert_eq!(
            bodies("{\"MESSAGE\":[114,101,100,255],\"PRIORITY\":\"3\"}\n", &journal),
            ["{\"MESSAGE\":\"red\u{fffd}\",\"PRIORITY\":\"3\"}"]
        );
    }

    #[test]
    fn a_rule_says_where_events_begin() {
        let start = Multiline::Start(regex::bytes::Regex::new("^#").expect("a regular expression"));
        assert_eq!(
            bodies("#1 a\nb\n\n#2\n", &source(Format::Lines, start)),
            [r##"{"message":"#1 a\nb\n"}"##, r##"{"message":"#2"}"##]
        );
        assert_eq!(bodies("a\n\tat b\n", &source(Format::Lines, Multiline::Never)).len(), 2);
    }
}
