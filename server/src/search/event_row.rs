//! One event as the API shows it: fixed fields, nested attributes, and what stages made of them.

use super::respond::{key_of, rfc3339, shown};
use query_lang::sql::{EVENT_COLUMNS, OutputColumn, RowShape};
use serde_json::{Map, Value};

/// Columns before the ones that people see: time, batch, row make the id.
const KEY_COLUMNS: usize = 3;
/// Fields that keep their meaning whatever a stage computes under their name.
const FIXED: [&str; 2] = ["id", "attributes"];

/// Shapes a row whose columns begin with `EVENT_COLUMNS`.
pub(super) fn event_row(shape: &RowShape, columns: &[OutputColumn], row: Vec<Value>) -> Value {
    let key = key_of(&row);
    let mut row = row.into_iter();
    let mut event = Map::new();
    if let Some(key) = key {
        event.insert("id".into(), key.id().into());
        event.insert("timestamp".into(), rfc3339(key.timestamp_ns).into());
    }
    for (name, value) in EVENT_COLUMNS.into_iter().zip(row.by_ref()).skip(KEY_COLUMNS) {
        let value = if name == "attributes" { attributes(value) } else { missing_as_null(value) };
        event.insert(name.into(), value);
    }
    let computed: Vec<(&OutputColumn, Value)> = columns.iter().skip(EVENT_COLUMNS.len()).zip(row).collect();
    reshape(&mut event, shape, &computed);
    for (column, value) in computed.into_iter().filter(|(column, _)| !column.column.name.is_empty()) {
        let value = shown(column.wire, value);
        put_computed(&mut event, &column.column.name, value);
    }
    Value::Object(event)
}

/// Unpacked names go in, renamed values move, dropped ones go away.
fn reshape(event: &mut Map<String, Value>, shape: &RowShape, computed: &[(&OutputColumn, Value)]) {
    let RowShape::Events { dropped, renamed, unpacked } = shape else { return };
    for (index, prefix) in unpacked {
        let object = index.checked_sub(EVENT_COLUMNS.len()).and_then(|index| computed.get(index));
        if let (Some((_, Value::Object(names))), Some(attributes)) = (object, attributes_of(event)) {
            for (name, value) in names {
                merge(attributes, &format!("{prefix}{name}"), value.clone());
            }
        }
    }
    let moved: Vec<(&String, Option<Value>)> =
        renamed.iter().map(|(old, new)| (new, take(event, old))).collect();
    for path in dropped {
        take(event, path);
    }
    for (name, value) in moved {
        if let Some(value) = value {
            put_renamed(event, name, value);
        }
    }
}

pub fn put_computed(event: &mut Map<String, Value>, name: &str, value: Value) {
    if !FIXED.contains(&name) {
        event.insert(name.to_owned(), value);
    } else if let Some(attributes) = attributes_of(event) {
        attributes.insert(name.to_owned(), value);
    }
}

fn put_renamed(event: &mut Map<String, Value>, name: &str, value: Value) {
    if EVENT_COLUMNS.contains(&name) && !FIXED.contains(&name) {
        event.insert(name.to_owned(), value);
    } else if let Some(attributes) = attributes_of(event) {
        merge(attributes, name, value);
    }
}

fn attributes_of(event: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    event.get_mut("attributes").and_then(Value::as_object_mut)
}

/// Puts a value at a dotted path; objects are merged, everything else is replaced.
pub fn merge(object: &mut Map<String, Value>, path: &str, value: Value) {
    if let Some((first, rest)) =
        path.split_once('.').filter(|(first, rest)| !first.is_empty() && !rest.is_empty())
    {
        let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        if let Some(inner) = inner.as_object_mut() {
            merge(inner, rest, value);
        }
        return;
    }
    match (object.get_mut(path).and_then(Value::as_object_mut), value) {
        (Some(inner), Value::Object(members)) => {
            members.into_iter().for_each(|(name, member)| merge(inner, &name, member));
        }
        (_, value) => {
            object.insert(path.to_owned(), value);
        }
    }
}

/// Takes a core field, or a dotted path below the attributes, out of an event.
pub fn take(event: &mut Map<String, Value>, path: &str) -> Option<Value> {
    if EVENT_COLUMNS.contains(&path) && !FIXED.contains(&path) {
        return event.get_mut(path).map(Value::take);
    }
    let path = path.strip_prefix("attributes.").unwrap_or(path);
    take_below(attributes_of(event)?, path)
}

fn take_below(object: &mut Map<String, Value>, path: &str) -> Option<Value> {
    if let Some(value) = object.remove(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    let inner = object.get_mut(first)?.as_object_mut()?;
    let taken = take_below(inner, rest);
    if inner.is_empty() {
        object.remove(first);
    }
    taken
}

fn missing_as_null(value: Value) -> Value {
    match value.as_str() {
        Some("" | "unknown") => Value::Null,
        _ => value,
    }
}

fn attributes(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members),
        _ => Value::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reshaped(event: Value, shape: &RowShape) -> Value {
        let Value::Object(mut event) = event else { unreachable!("an object") };
        reshape(&mut event, shape, &[]);
        Value::Object(event)
    }

    fn shape(dropped: &[&str], renamed: &[(&str, &str)]) -> RowShape {
        RowShape::Events {
            dropped: dropped.iter().map(|&path| path.to_owned()).collect(),
            renamed: renamed.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
            unpacked: Vec::new(),
        }
    }

    #[test]
    fn dropping_takes_a_path_and_leaves_its_siblings() {
        let event = json!({ "host": "a", "attributes": { "http": { "status": 1, "method": "GET" } } });
        let found = reshaped(event, &shape(&["http.status", "host", "never.there"], &[]));
        assert_eq!(found, json!({ "host": null, "attributes": { "http": { "method": "GET" } } }));
    }

    #[test]
    fn renaming_moves_values_and_objects() {
        let event = json!({ "host": "a", "attributes": { "http": { "status": 1 }, "x": 2 } });
        let renamed = [("http", "h"), ("x", "host"), ("host", "node.name")];
        let found = reshaped(event, &shape(&["http", "x", "host"], &renamed));
        assert_eq!(
            found,
            json!({ "host": 2, "attributes": { "h": { "status": 1 }, "node": { "name": "a" } } })
        );
    }

    #[test]
    fn unpacked_names_win_and_are_merged_into_objects() {
        let mut attributes = Map::new();
        merge(&mut attributes, "cache", json!({ "hit": false, "age": 1 }));
        merge(&mut attributes, "cache", json!({ "hit": true }));
        merge(&mut attributes, "m.path", json!("/"));
        assert_eq!(
            Value::Object(attributes),
            json!({ "cache": { "hit": true, "age": 1 }, "m": { "path": "/" } })
        );
    }
}
