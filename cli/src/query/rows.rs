//! An event and what stages made of it, as the row that the API would answer and as a line for people.

use super::events;
use crate::output::event::{Line, leaves};
use event::Event;
use query_lang::ast::Core;
use query_lang::eval::{StreamRow, Value};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The event as a JSON object: fields that are missing are null, computed columns stand beside them.
pub fn event_row(event: &query_lang::eval::Event, row: &StreamRow) -> Map<String, Json> {
    let text = |text: &str| if text.is_empty() { Json::Null } else { text.into() };
    let mut attributes = event.attributes.clone();
    for names in &row.unpacked {
        attributes.extend(names.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    row.dropped
        .iter()
        .for_each(|path| remove(&mut attributes, path.strip_prefix("attributes.").unwrap_or(path)));
    let mut object = Map::new();
    object.insert("timestamp".into(), Value::Time(event.timestamp_ns).to_json());
    object.insert("level".into(), event.level.map_or(Json::Null, |level| level.name().into()));
    for (core, value) in [
        (Core::Source, event.source),
        (Core::Host, event.host),
        (Core::Message, event.message),
        (Core::TraceId, event.trace_id),
        (Core::SpanId, event.span_id),
    ] {
        object.insert(core.name().into(), text(value));
    }
    object.retain(|name, _| !row.dropped.contains(name));
    object.insert("attributes".into(), Json::Object(attributes));
    object.extend(row.columns.iter().map(|(name, value)| (name.clone(), value.to_json())));
    object
}

/// Takes a path and everything below it away.
fn remove(object: &mut Map<String, Json>, path: &str) {
    object
        .retain(|name, _| name != path && !name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
    for (dot, _) in path.match_indices('.') {
        if let Some(Json::Object(inner)) = object.get_mut(&path[..dot]) {
            remove(inner, &path[dot + 1..]);
        }
    }
}

/// A line for people, of an event as it was read.
pub fn line<'e>(found: &'e Event, is_text: bool, row: &StreamRow) -> Line<'e> {
    let mut fields = Vec::new();
    if !is_text {
        let attributes = events::attributes(&found.attributes, &query_lang::eval::run::Wanted::All);
        leaves(&attributes, "", &mut fields);
        fields.retain(|(path, _)| !row.dropped.iter().any(|dropped| is_below(path, dropped)));
    }
    fields.extend(row.columns.iter().map(|(name, value)| (name.clone(), shown(value))));
    Line {
        time_ns: (!is_text).then_some(found.timestamp_ns),
        level: found.level.name(),
        source: &found.source,
        message: Cow::Borrowed(&found.message),
        fields,
        marks: Vec::new(),
    }
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

pub fn shown(value: &Value) -> String {
    value.to_text().map(Cow::into_owned).unwrap_or_default()
}

/// A line for people, of a row as the API answers it.
pub fn line_of_row(row: &Map<String, Json>) -> Line<'_> {
    let text = |name: &str| row.get(name).and_then(Json::as_str).unwrap_or_default();
    let time: Option<jiff::Timestamp> = text("timestamp").parse().ok();
    let mut fields = Vec::new();
    if let Some(Json::Object(attributes)) = row.get("attributes") {
        leaves(attributes, "", &mut fields);
    }
    let is_known = |name: &str| {
        crate::output::rows::EVENT_COLUMNS.contains(&name)
            || ["id", "attributes", "received_at"].contains(&name)
    };
    for (name, value) in row.iter().filter(|(name, _)| !is_known(name)) {
        fields.push((name.clone(), crate::output::plain(value)));
    }
    Line {
        time_ns: time.and_then(|time| i64::try_from(time.as_nanosecond()).ok()),
        level: row.get("level").and_then(Json::as_str),
        source: text("source"),
        message: Cow::Borrowed(text("message")),
        fields,
        marks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_is_taken_away_with_what_lies_below_it() {
        let mut object = json!({"a": {"b": {"c": 1}, "d": 2}, "a.b": 3, "a.b.x": 4, "ab": 5});
        remove(object.as_object_mut().expect("an object"), "a.b");
        assert_eq!(object, json!({"a": {"d": 2}, "ab": 5}));
    }
}
