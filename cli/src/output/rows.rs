//! JSON and CSV.

use serde_json::{Map, Value as Json};

/// A field as RFC 4180 has it.
pub fn write_csv_cell(text: &str, out: &mut Vec<u8>) {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// A line of cells.
pub fn write_csv_row(cells: &[String], out: &mut Vec<u8>) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_csv_cell(cell, out);
    }
    out.push(b'\n');
}

/// A row with its columns in their order.
pub fn object(columns: &[String], cells: &[Json]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (index, (name, value)) in columns.iter().zip(cells).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_json(&Json::String(name.clone()), &mut out);
        out.push(b':');
        write_json(value, &mut out);
    }
    out.push(b'}');
    out
}

pub fn write_json(value: &Json, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("memory takes every byte");
}

/// The fields of an event that come first, as columns of a CSV and a table.
pub const EVENT_COLUMNS: [&str; 7] =
    ["timestamp", "level", "source", "host", "message", "trace_id", "span_id"];

/// An event with the usual fields first.
pub fn event_object(event: &Map<String, Json>) -> Vec<u8> {
    let usual = std::iter::once("id").chain(EVENT_COLUMNS).filter(|name| event.contains_key(*name));
    let names: Vec<String> =
        usual.map(str::to_owned).chain(event.keys().filter(|name| !is_usual(name)).cloned()).collect();
    let cells: Vec<Json> = names.iter().map(|name| event[name.as_str()].clone()).collect();
    object(&names, &cells)
}

fn is_usual(name: &str) -> bool {
    name == "id" || EVENT_COLUMNS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_quotes_and_line_ends_are_quoted() {
        let mut out = Vec::new();
        write_csv_row(&["plain".into(), "a,b".into(), "say \"x\"".into(), "two\nlines".into()], &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\n");
    }

    #[test]
    fn events_begin_with_their_usual_fields() {
        let event = serde_json::json!({"attributes": {"a": 1}, "message": "m", "timestamp": "t", "zeta": 1});
        let object = event_object(event.as_object().expect("an object"));
        assert_eq!(
            String::from_utf8_lossy(&object),
            r#"{"timestamp":"t","message":"m","attributes":{"a":1},"zeta":1}"#
        );
    }
}
