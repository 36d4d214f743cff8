//! OTLP's logs in JSON: names in camel case as the specification has them, and in snake case as some senders write them; 64-bit
//! numbers as strings or as numbers; enums as numbers or by name. What is missing has its default, what is unknown is passed over.

use super::messages::double;
use super::records::{Bundle, Origin, Record};
use event::json::Reader;
use event::{Object, Value};
use std::borrow::Cow;

/// # Errors
/// When the body is not JSON, or not an export of logs.
pub fn read(body: &[u8]) -> Result<Vec<Bundle<'_>>, String> {
    let body = body.trim_ascii();
    let mut reader = Reader::new(body);
    let whole = reader
        .value()
        .map_err(|fault| format!("the body is broken at byte {}: {fault}", reader.position()))?;
    if reader.peek().is_some() {
        return Err(format!("the body goes on behind its JSON at byte {}", reader.position()));
    }
    let Value::Object(mut request) = whole else {
        return Err("the body is a JSON object with `resourceLogs`".into());
    };
    let is_empty = request.is_empty();
    let Some(resource_logs) = take(&mut request, "resourceLogs", "resource_logs") else {
        let told = "the body has no `resourceLogs`; only logs are taken here";
        return if is_empty { Ok(Vec::new()) } else { Err(told.into()) };
    };
    let mut bundles = Vec::new();
    for mut resource_logs in objects(resource_logs, "resourceLogs")? {
        let resource = attributes_of(take(&mut resource_logs, "resource", "resource"))?;
        let Some(scope_logs) = take(&mut resource_logs, "scopeLogs", "scope_logs") else { continue };
        for scope_logs in objects(scope_logs, "scopeLogs")? {
            bundles.push(bundle(&resource, scope_logs)?);
        }
    }
    Ok(bundles)
}

fn bundle<'a>(resource: &Object<'a>, mut scope_logs: Object<'a>) -> Result<Bundle<'a>, String> {
    let mut scope = match take(&mut scope_logs, "scope", "scope") {
        Some(Value::Object(scope)) => scope,
        _ => Object::new(),
    };
    let origin = Origin {
        resource: resource.clone(),
        scope_name: text(&mut scope, "name", "name"),
        scope_version: text(&mut scope, "version", "version"),
        scope: attributes(&mut scope)?,
    };
    let records = match take(&mut scope_logs, "logRecords", "log_records") {
        Some(records) => objects(records, "logRecords")?.into_iter().map(record).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Bundle { origin, records })
}

fn record(mut record: Object<'_>) -> Result<Record<'_>, String> {
    let mut number = |camel, snake| number(&mut record, camel, snake);
    let time_ns = number("timeUnixNano", "time_unix_nano")?;
    let observed_ns = number("observedTimeUnixNano", "observed_time_unix_nano")?;
    let dropped_attributes = number("droppedAttributesCount", "dropped_attributes_count")?;
    let flags = number("flags", "flags")?;
    let severity_number = match take(&mut record, "severityNumber", "severity_number") {
        Some(Value::String(name)) => severity(&name),
        Some(Value::Int(number)) => number,
        _ => 0,
    };
    Ok(Record {
        time_ns,
        observed_ns,
        severity_number,
        severity_text: text(&mut record, "severityText", "severity_text"),
        body: take(&mut record, "body", "body").map_or(Ok(Value::Null), value)?,
        attributes: attributes(&mut record)?,
        dropped_attributes,
        flags,
        trace_id: id(text(&mut record, "traceId", "trace_id")),
        span_id: id(text(&mut record, "spanId", "span_id")),
        event_name: text(&mut record, "eventName", "event_name"),
    })
}

fn take<'a>(object: &mut Object<'a>, camel: &str, snake: &str) -> Option<Value<'a>> {
    object.remove(camel).or_else(|| object.remove(snake)).filter(|value| !value.is_null())
}

fn text<'a>(object: &mut Object<'a>, camel: &str, snake: &str) -> Cow<'a, str> {
    match take(object, camel, snake) {
        Some(Value::String(text)) => text,
        _ => Cow::Borrowed(""),
    }
}

fn number(object: &mut Object<'_>, camel: &str, snake: &str) -> Result<u64, String> {
    let read = match take(object, camel, snake) {
        None => return Ok(0),
        Some(Value::Int(number)) => u64::try_from(number).ok(),
        Some(Value::UInt(number)) => Some(number),
        // Some senders write nanoseconds as a float.
        Some(Value::Float(number)) if number >= 0.0 => Some(number as u64),
        Some(Value::String(text)) if text.is_empty() => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    read.ok_or_else(|| format!("`{camel}` is no number of 64 bits"))
}

/// `SEVERITY_NUMBER_INFO2` is 10.
fn severity(name: &str) -> i64 {
    let word = name.strip_prefix("SEVERITY_NUMBER_").unwrap_or(name);
    let (base, step) = match word.strip_suffix(['2', '3', '4']) {
        Some(base) => (base, i64::from(word.as_bytes()[word.len() - 1] - b'1')),
        None => (word, 0),
    };
    let place = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].iter().position(|level| *level == base);
    place.map_or_else(|| name.parse().unwrap_or(0), |place| place as i64 * 4 + 1 + step)
}

fn id(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'0') { Cow::Borrowed("") } else { text }
}

fn objects<'a>(value: Value<'a>, name: &str) -> Result<Vec<Object<'a>>, String> {
    let Value::Array(items) = value else { return Err(format!("`{name}` is no array")) };
    let object = |item| match item {
        Value::Object(object) => Ok(object),
        _ => Err(format!("an item of `{name}` is no object")),
    };
    items.into_iter().map(object).collect()
}

fn attributes_of(holder: Option<Value<'_>>) -> Result<Object<'_>, String> {
    match holder {
        Some(Value::Object(mut holder)) => attributes(&mut holder),
        _ => Ok(Object::new()),
    }
}

fn attributes<'a>(holder: &mut Object<'a>) -> Result<Object<'a>, String> {
    take(holder, "attributes", "attributes")
        .map_or_else(|| Ok(Object::new()), |pairs| pairs_of(pairs, "attributes"))
}

/// `[{"key": "a", "value": {"intValue": "1"}}]`
fn pairs_of<'a>(pairs: Value<'a>, name: &str) -> Result<Object<'a>, String> {
    let mut object = Object::new();
    for mut pair in objects(pairs, name)? {
        let key = text(&mut pair, "key", "key");
        object.push(key, take(&mut pair, "value", "value").map_or(Ok(Value::Null), value)?);
    }
    object.settle();
    Ok(object)
}

/// `{"stringValue": "x"}` and its siblings; an empty object is null.
fn value(any: Value<'_>) -> Result<Value<'_>, String> {
    let Value::Object(any) = any else {
        return Err("a value is an object such as {\"stringValue\": \"x\"}".into());
    };
    let Some((kind, inner)) = any.into_iter().next() else { return Ok(Value::Null) };
    let wrong = |kind: &str| format!("a value's `{kind}` is not of that type");
    match (&*kind, inner) {
        (_, Value::Null) => Ok(Value::Null),
        ("stringValue" | "string_value" | "bytesValue" | "bytes_value", text @ Value::String(_)) => Ok(text),
        ("boolValue" | "bool_value", flag @ Value::Bool(_)) => Ok(flag),
        ("intValue" | "int_value", number @ Value::Int(_)) => Ok(number),
        ("intValue" | "int_value", Value::String(text)) => {
            text.parse().map(Value::Int).map_err(|_| wrong("intValue"))
        }
        ("doubleValue" | "double_value", Value::Int(number)) => Ok(Value::Float(number as f64)),
        ("doubleValue" | "double_value", number @ (Value::Float(_) | Value::Digits(_))) => Ok(number),
        ("doubleValue" | "double_value", Value::String(text)) => {
            text.parse().map(double).map_err(|_| wrong("doubleValue"))
        }
        ("arrayValue" | "array_value", Value::Object(mut array)) => match array.remove("values") {
            Some(Value::Array(items)) => {
                items.into_iter().map(value).collect::<Result<_, _>>().map(Value::Array)
            }
            _ => Ok(Value::Array(Vec::new())),
        },
        ("kvlistValue" | "kvlist_value", Value::Object(mut list)) => match list.remove("values") {
            Some(pairs) => pairs_of(pairs, "kvlistValue.values").map(Value::Object),
            None => Ok(Value::Object(Object::new())),
        },
        _ => Err(wrong(&kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_read_by_name() {
        for (name, number) in [
            ("SEVERITY_NUMBER_INFO", 9),
            ("SEVERITY_NUMBER_INFO2", 10),
            ("FATAL4", 24),
            ("17", 17),
            ("odd", 0),
        ] {
            assert_eq!(severity(name), number, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            read(&bytes).ok();
            super::super::messages::read(&bytes).ok();
        }
    }

    #[test]
    fn what_is_no_export_of_logs_is_told() {
        for body in [
            "",
            "[]",
            "{\"resourceSpans\":[]}",
            "{\"resourceLogs\":{}}",
            "{\"resourceLogs\":[1]}",
            "{\"resourceLogs\":[]} {}",
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"bare"}]}]}]}"#,
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read(b"{}").unwrap().is_empty());
        assert!(read(b"{\"resourceLogs\":[]}").unwrap().is_empty());
    }
}
