//! OTLP's records, whatever they came as, made into events.
//!
//! The attributes of record, resource and scope become the event's, under their own names; where a record says something else
//! than its resource, the resource's is kept under `resource`. `service.name` and `host.name` of the resource are source and host.

use event::level::{self, Scale};
use event::{Object, RawEvent, Value};
use std::borrow::Cow;

/// Records of one scope of one resource.
pub struct Bundle<'a> {
    pub origin: Origin<'a>,
    pub records: Vec<Record<'a>>,
}

/// Who wrote them.
pub struct Origin<'a> {
    pub resource: Object<'a>,
    pub scope_name: Cow<'a, str>,
    pub scope_version: Cow<'a, str>,
    pub scope: Object<'a>,
}

/// One record; zero and empty mean that it does not say.
pub struct Record<'a> {
    pub time_ns: u64,
    pub observed_ns: u64,
    pub severity_number: i64,
    pub severity_text: Cow<'a, str>,
    pub body: Value<'a>,
    pub attributes: Object<'a>,
    pub dropped_attributes: u64,
    pub flags: u64,
    pub trace_id: Cow<'a, str>,
    pub span_id: Cow<'a, str>,
    pub event_name: Cow<'a, str>,
}

impl<'a> Origin<'a> {
    /// Takes out what are columns of their own.
    pub fn columns(&mut self) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let mut take = |name| match self.resource.get(name) {
            Some(Value::String(_)) => match self.resource.remove(name) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        };
        (take("service.name"), take("host.name"))
    }
}

/// An event of a record. `source` and `host` are what `Origin::columns` gave.
pub fn event<'a>(
    index: usize,
    origin: &Origin<'a>,
    (source, host): &(Option<Cow<'a, str>>, Option<Cow<'a, str>>),
    record: Record<'a>,
) -> RawEvent<'a> {
    let mut raw = RawEvent::from_object(index, record.attributes);
    match record.body {
        Value::String(text) => (raw.message, raw.is_line) = (Some(text), true),
        Value::Object(members) => keep_all(&mut raw.fields, members, "body"),
        Value::Null => {}
        other => raw.message = Some(Cow::Owned(other.to_json())),
    }
    let time_ns = if record.time_ns == 0 { record.observed_ns } else { record.time_ns };
    raw.timestamp_ns = (time_ns > 0).then(|| i64::try_from(time_ns).unwrap_or(i64::MAX));
    set_level(&mut raw, record.severity_number, record.severity_text);
    (raw.source, raw.host) = (source.clone(), host.clone());
    raw.trace_id = Some(record.trace_id).filter(|id| !id.is_empty());
    raw.span_id = Some(record.span_id).filter(|id| !id.is_empty());
    keep_all(&mut raw.fields, origin.resource.clone(), "resource");
    let mut about = Object::new();
    if !record.event_name.is_empty() {
        about.push("event.name", Value::String(record.event_name));
    }
    for (name, number) in
        [("trace_flags", record.flags), ("otel.dropped_attributes_count", record.dropped_attributes)]
    {
        if number > 0 {
            about.push(name, Value::Int(number.try_into().unwrap_or(i64::MAX)));
        }
    }
    for (name, text) in
        [("otel.scope.name", &origin.scope_name), ("otel.scope.version", &origin.scope_version)]
    {
        if !text.is_empty() {
            about.push(name, Value::String(text.clone()));
        }
    }
    keep_all(&mut raw.fields, about, "otel");
    keep_all(&mut raw.fields, origin.scope.clone(), "scope");
    raw
}

/// The number is what counts; the text stays where it says something else.
fn set_level<'a>(raw: &mut RawEvent<'a>, number: i64, text: Cow<'a, str>) {
    let reading = level::read_number(number, Scale::Otel);
    raw.level = reading.map(|reading| reading.level);
    if reading.is_some_and(|reading| !reading.exact) {
        raw.fields.push("severity_number", Value::Int(number));
    }
    let says_the_same =
        level::read_text(&text, Scale::Any).is_some_and(|said| said.exact && Some(said.level) == raw.level);
    if !text.is_empty() && !says_the_same {
        raw.fields.push("severity_text", Value::String(text));
    }
    raw.fields.settle();
}

/// Adds members; those whose names are taken stay together under `name`.
fn keep_all<'a>(fields: &mut Object<'a>, members: Object<'a>, name: &'static str) {
    let taken = fields.absorb(members);
    if !taken.is_empty() {
        fields.push(name, Value::Object(taken));
        fields.settle();
    }
}
