//! OTLP's logs in protobuf: the messages of `opentelemetry/proto/logs/v1` and its collector service, as far as they are read.

use super::records::{Bundle, Origin, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event::{Object, Value};
use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    pub resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(message, repeated, tag = "3")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    pub severity_number: i32,
    #[prost(string, tag = "3")]
    pub severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    pub dropped_attributes_count: u32,
    #[prost(fixed32, tag = "8")]
    pub flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    pub event_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub value: Option<Any>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Any {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes, tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_log_records: i64,
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// `google.rpc.Status`, the body of a refusal.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

/// # Errors
/// When the bytes are no such message.
pub fn read(body: &[u8]) -> Result<Vec<Bundle<'static>>, String> {
    let request = ExportRequest::decode(body)
        .map_err(|error| format!("the body is not an ExportLogsServiceRequest in protobuf: {error}"))?;
    let mut bundles = Vec::new();
    for ResourceLogs { resource, scope_logs } in request.resource_logs {
        let resource = object(resource.unwrap_or_default().attributes);
        for ScopeLogs { scope, log_records } in scope_logs {
            let scope = scope.unwrap_or_default();
            let origin = Origin {
                resource: resource.clone(),
                scope_name: scope.name.into(),
                scope_version: scope.version.into(),
                scope: object(scope.attributes),
            };
            let records = log_records.into_iter().map(record).collect();
            bundles.push(Bundle { origin, records });
        }
    }
    Ok(bundles)
}

fn record(record: LogRecord) -> Record<'static> {
    Record {
        time_ns: record.time_unix_nano,
        observed_ns: record.observed_time_unix_nano,
        severity_number: record.severity_number.into(),
        severity_text: record.severity_text.into(),
        body: record.body.map_or(Value::Null, value),
        attributes: object(record.attributes),
        dropped_attributes: record.dropped_attributes_count.into(),
        flags: record.flags.into(),
        trace_id: hex(&record.trace_id).into(),
        span_id: hex(&record.span_id).into(),
        event_name: record.event_name.into(),
    }
}

fn object(pairs: Vec<KeyValue>) -> Object<'static> {
    let mut object = Object::with_capacity(pairs.len());
    for pair in pairs {
        object.push(pair.key, pair.value.map_or(Value::Null, value));
    }
    object.settle();
    object
}

fn value(any: AnyValue) -> Value<'static> {
    match any.value {
        None => Value::Null,
        Some(Any::String(text)) => Value::string(text),
        Some(Any::Bool(flag)) => Value::Bool(flag),
        Some(Any::Int(number)) => Value::Int(number),
        Some(Any::Double(number)) => double(number),
        Some(Any::Array(array)) => Value::Array(array.values.into_iter().map(value).collect()),
        Some(Any::Map(map)) => Value::Object(object(map.values)),
        Some(Any::Bytes(bytes)) => Value::string(STANDARD.encode(bytes)),
    }
}

/// What JSON has no number for is its name, as in OTLP's own JSON.
pub(super) fn double(number: f64) -> Value<'static> {
    match number {
        number if number.is_finite() => Value::Float(number),
        number if number.is_nan() => Value::string("NaN"),
        number if number > 0.0 => Value::string("Infinity"),
        _ => Value::string("-Infinity"),
    }
}

/// An id of zeros is none.
fn hex(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
