//! What stands in one place of an event: a field by its name, a value as text.

use crate::language::pieces;
use api_types::search::EventRow;
use leptos::prelude::*;
use serde_json::{Map, Value};

/// The fields that every event has, besides its message and its attributes.
pub const CORE: [&str; 6] = ["timestamp", "level", "source", "host", "trace_id", "span_id"];

/// The value of a field as it is shown; nothing when the event lacks it.
pub fn field_text(event: &EventRow, field: &str) -> Option<String> {
    match field {
        "timestamp" => Some(event.timestamp.clone()),
        "level" => event.level.clone(),
        "source" => event.source.clone(),
        "host" => event.host.clone(),
        "message" => event.message.clone(),
        "trace_id" => event.trace_id.clone(),
        "span_id" => event.span_id.clone(),
        path => at_path(&event.attributes, path).map(value_text),
    }
}

/// Objects within objects, and dots within names, are the same path.
fn at_path<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return (!value.is_null()).then_some(value);
    }
    path.match_indices('.')
        .find_map(|(dot, _)| at_path(object.get(&path[..dot])?.as_object()?, &path[dot + 1..]))
}

pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Every attribute by its dotted path, in the order of the alphabet.
pub fn attributes(event: &EventRow) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect("", &event.attributes, &mut found);
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    found
}

fn collect(prefix: &str, object: &Map<String, Value>, found: &mut Vec<(String, Value)>) {
    for (name, value) in object {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(&path, inner, found),
            Value::Null => {}
            value => found.push((path, value.clone())),
        }
    }
}

/// The text of a field with its matches marked.
pub fn marked_text(text: &str, spans: &[(usize, usize)], write: fn(&str) -> String) -> AnyView {
    let parts = marked_parts(text, spans, write, None).into_iter().map(|(text, matched)| {
        if matched { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() }
    });
    parts.collect_view().into_any()
}

/// The text in parts, each with whether it matched; ended where there is no more room.
pub fn marked_parts(
    text: &str,
    spans: &[(usize, usize)],
    write: fn(&str) -> String,
    end: Option<usize>,
) -> Vec<(String, bool)> {
    let mut left = end.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    for piece in pieces(text, spans) {
        let mut text = write(piece.text);
        let cut = text.len().min(left);
        left -= cut;
        text.truncate((0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default());
        parts.push((text, piece.matched));
    }
    if end.is_some() {
        parts.push(("…".into(), false));
    }
    parts
}

/// As much of a message as a row can show.
pub fn beginning(text: &str) -> &str {
    const LONGEST: usize = 1000;
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

/// A message on lines of its own, as a list shows it.
pub fn shown_text(text: &str) -> String {
    text.trim_end().replace("\r\n", "\n").replace('\r', "↵").replace('\t', "  ")
}

/// The event as JSON, without what it lacks.
pub fn row_json(event: &EventRow) -> String {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(event) else { return String::new() };
    whole.retain(|name, value| name != "id" && !value.is_null());
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

/// A message as one line of a list.
pub fn one_line(text: &str) -> String {
    text.replace("\r\n", " ↵ ").replace(['\n', '\r'], " ↵ ").replace('\t', "  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(attributes: Value) -> EventRow {
        let row = json!({"id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": "error", "source": null, "host": "web-1",
            "message": "a\nb", "trace_id": null, "span_id": null, "attributes": attributes});
        serde_json::from_value(row).expect("an event")
    }

    #[test]
    fn a_path_is_found_whether_nested_or_dotted() {
        let event = event(json!({"a": {"b": {"c": 1}}, "x.y": true, "p": {"q.r": "s"}, "none": null}));
        for (path, text) in [("a.b.c", "1"), ("x.y", "true"), ("p.q.r", "s"), ("host", "web-1")] {
            assert_eq!(field_text(&event, path).as_deref(), Some(text), "{path}");
        }
        for path in ["none", "a.c", "source", "a.b.c.d"] {
            assert_eq!(field_text(&event, path), None, "{path}");
        }
    }

    #[test]
    fn attributes_are_listed_flat_and_without_what_is_missing() {
        let event = event(json!({"b": [1, 2], "a": {"z": 1, "y": null, "e": {}}}));
        assert_eq!(
            attributes(&event),
            [("a.e".to_owned(), json!({})), ("a.z".to_owned(), json!(1)), ("b".to_owned(), json!([1, 2]))]
        );
    }

    #[test]
    fn an_event_as_json_has_no_empty_places() {
        let json = row_json(&event(json!({"n": 1})));
        assert!(json.contains("\"message\": \"a\\nb\"") && json.contains("\"n\": 1"), "{json}");
        assert!(!json.contains("null") && !json.contains("\"id\""), "{json}");
    }

    #[test]
    fn a_text_is_cut_where_the_room_ends() {
        let parts = |end| marked_parts("añb c", &[(0, 3)], one_line, end);
        assert_eq!(parts(None), [("añ".to_owned(), true), ("b c".to_owned(), false)]);
        assert_eq!(parts(Some(2)), [("a".to_owned(), true), (String::new(), false), ("…".to_owned(), false)]);
    }

    #[test]
    fn a_message_takes_one_line() {
        assert_eq!(one_line("a\n\tb\r\nc"), "a ↵   b ↵ c");
    }
}
