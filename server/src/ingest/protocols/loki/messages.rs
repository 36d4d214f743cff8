//! The two forms of a push, read into the same streams.

use super::labels;
use event::json::Reader;
use event::{Object, Value};
use prost::Message;
use std::borrow::Cow;

/// Entries that share their labels.
pub struct Stream<'a> {
    pub labels: Object<'a>,
    pub entries: Vec<Entry<'a>>,
}

pub struct Entry<'a> {
    pub time_ns: Option<i64>,
    pub line: Cow<'a, str>,
    pub metadata: Object<'a>,
    /// Broken UTF-8 was replaced.
    pub repaired: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub streams: Vec<StreamMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamMessage {
    #[prost(string, tag = "1")]
    pub labels: String,
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<EntryMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EntryMessage {
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<Timestamp>,
    /// Meant to be UTF-8; one line that is not does not cost the others.
    #[prost(bytes = "vec", tag = "2")]
    pub line: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    pub structured_metadata: Vec<LabelPair>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LabelPair {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// # Errors
/// When the bytes are no such message, or a stream's labels cannot be read.
pub fn of_protobuf(body: &[u8]) -> Result<Vec<Stream<'static>>, String> {
    let request = PushRequest::decode(body)
        .map_err(|error| format!("the body is not a push request in protobuf: {error}"))?;
    request
        .streams
        .into_iter()
        .map(|stream| {
            let entries = stream.entries.into_iter().map(entry_of_message).collect();
            Ok(Stream { labels: labels::parse(&stream.labels)?, entries })
        })
        .collect()
}

fn entry_of_message(entry: EntryMessage) -> Entry<'static> {
    let mut metadata = Object::with_capacity(entry.structured_metadata.len());
    for pair in entry.structured_metadata {
        metadata.push(pair.name, Value::String(pair.value.into()));
    }
    metadata.settle();
    let time = |time: Timestamp| time.seconds.saturating_mul(1_000_000_000).saturating_add(time.nanos.into());
    let (line, repaired) = match String::from_utf8(entry.line) {
        Ok(line) => (line, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    };
    Entry { time_ns: entry.timestamp.map(time), line: line.into(), metadata, repaired }
}

/// `{"streams": [{"stream": {…}, "values": [["<nanoseconds>", "<line>", {…}]]}]}`
///
/// # Errors
/// When the body is not of that form.
pub fn of_json(body: &[u8]) -> Result<Vec<Stream<'_>>, String> {
    let body = body.trim_ascii();
    let mut reader = Reader::new(body);
    let whole = reader
        .value()
        .map_err(|fault| format!("the body is broken at byte {}: {fault}", reader.position()))?;
    let repaired = reader.take_repaired();
    if reader.peek().is_some() {
        return Err(format!("the body goes on behind its JSON at byte {}", reader.position()));
    }
    let Some(Value::Array(streams)) = member(whole, "streams") else {
        return Err("the body is an object with `streams`, an array".into());
    };
    streams.into_iter().enumerate().map(|(place, stream)| stream_of(place, stream, repaired)).collect()
}

fn member<'a>(value: Value<'a>, name: &str) -> Option<Value<'a>> {
    match value {
        Value::Object(mut object) => object.remove(name),
        _ => None,
    }
}

fn stream_of(place: usize, stream: Value<'_>, repaired: bool) -> Result<Stream<'_>, String> {
    let Value::Object(mut stream) = stream else {
        return Err(format!("streams[{place}] is no object"));
    };
    let labels = match stream.remove("stream") {
        Some(Value::Object(labels)) => labels,
        None => Object::new(),
        Some(_) => return Err(format!("streams[{place}].stream is no object of labels")),
    };
    let Some(Value::Array(values)) = stream.remove("values") else {
        return Err(format!("streams[{place}].values is no array"));
    };
    let entries = values.into_iter().enumerate().map(|(at, value)| {
        entry_of_value(value, repaired)
            .ok_or_else(|| format!("streams[{place}].values[{at}] is not [\"<nanoseconds>\", \"<line>\"]"))
    });
    Ok(Stream { labels, entries: entries.collect::<Result<_, _>>()? })
}

fn entry_of_value(value: Value<'_>, repaired: bool) -> Option<Entry<'_>> {
    let Value::Array(parts) = value else { return None };
    let mut parts = parts.into_iter();
    let time_ns = match parts.next()? {
        Value::String(text) | Value::Digits(text) => Some(text.parse().ok()?),
        Value::Int(number) => Some(number),
        _ => return None,
    };
    let Value::String(line) = parts.next()? else { return None };
    let metadata = match parts.next() {
        Some(Value::Object(metadata)) => metadata,
        Some(Value::Null) | None => Object::new(),
        Some(_) => return None,
    };
    Some(Entry { time_ns, line, metadata, repaired })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            of_protobuf(&bytes).ok();
            of_json(&bytes).ok();
        }

        #[test]
        fn no_json_makes_it_panic(json in r#"\{"streams":\[(\{"stream":\{"a":"b"\},"values":\[(\["1","x"\]|\[1\]|\{\}|,){0,3}\]\}|,|\]){0,3}\]\}"#) {
            of_json(json.as_bytes()).ok();
        }
    }
}
