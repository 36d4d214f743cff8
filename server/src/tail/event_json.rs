//! An event as a tail shows it: as a search does, with what stages made of it, and with the time of its arrival.

use crate::search::event_row::{merge, put_computed, take};
use crate::search::respond::rfc3339;
use query_lang::eval::{Event, StreamRow};
use serde_json::{Map, Value};

pub fn event_json(event: &Event<'_>, received_at_ms: i64, row: StreamRow<'_>) -> Value {
    let mut shown = if row.closed { Map::new() } else { whole(event) };
    if let Some(attributes) = shown.get_mut("attributes").and_then(Value::as_object_mut) {
        for (name, value) in row.unpacked.into_iter().flatten() {
            merge(attributes, &name, value);
        }
    }
    for path in &row.dropped {
        take(&mut shown, path);
    }
    for (name, value) in row.columns {
        put_computed(&mut shown, &name, value.to_json());
    }
    shown.insert("id".into(), event.id.into());
    shown.insert("received_at".into(), rfc3339(received_at_ms * 1_000_000).into());
    Value::Object(shown)
}

fn whole(event: &Event<'_>) -> Map<String, Value> {
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let mut shown = Map::new();
    shown.insert("id".into(), event.id.into());
    shown.insert("timestamp".into(), rfc3339(event.timestamp_ns).into());
    shown.insert("level".into(), event.level.map_or(Value::Null, |level| level.name().into()));
    shown.insert("source".into(), text(event.source));
    shown.insert("host".into(), text(event.host));
    shown.insert("message".into(), text(event.message));
    shown.insert("trace_id".into(), text(event.trace_id));
    shown.insert("span_id".into(), text(event.span_id));
    shown.insert("attributes".into(), Value::Object(event.attributes.clone()));
    shown
}
