//! Gives rows the shape of the API: events with fixed fields, tables as objects by column name.

use crate::logstore::Answer;
use api_types::search as wire;
use jiff::Timestamp;
use query_lang::ast::Kind;
use query_lang::sql::{Compiled, EVENT_COLUMNS, EventKey, OutputColumn, RowShape, Wire};
use query_lang::{Diagnostic, Severity};
use serde_json::{Map, Value};

/// Columns before the ones that people see: time, batch, row make the id.
const KEY_COLUMNS: usize = 3;

/// What the rows look like, kept from the compiled query while it runs.
#[derive(Debug, Clone)]
pub struct RowForm {
    shape: RowShape,
    columns: Vec<OutputColumn>,
}

impl RowForm {
    #[must_use]
    pub fn of(compiled: &Compiled) -> Self {
        Self { shape: compiled.shape.clone(), columns: compiled.columns.clone() }
    }

    #[must_use]
    pub fn is_events(&self) -> bool {
        matches!(self.shape, RowShape::Events { .. })
    }

    #[must_use]
    pub fn columns(&self) -> Vec<wire::Column> {
        let first = if self.is_events() { KEY_COLUMNS } else { 0 };
        let time =
            self.is_events().then(|| wire::Column { name: "timestamp".into(), kind: "datetime".into() });
        let shown = self.columns.iter().skip(first).filter(|column| !self.is_dropped(&column.column.name));
        time.into_iter().chain(shown.map(column)).collect()
    }

    #[must_use]
    pub fn rows(&self, answer: Answer) -> Vec<Value> {
        answer
            .rows
            .into_iter()
            .map(|row| if self.is_events() { self.event(row) } else { self.table_row(row) })
            .collect()
    }

    fn table_row(&self, row: Vec<Value>) -> Value {
        let members = self.columns.iter().zip(row);
        Value::Object(
            members.map(|(column, value)| (column.column.name.clone(), shown(column.wire, value))).collect(),
        )
    }

    fn event(&self, row: Vec<Value>) -> Value {
        let mut event = Map::new();
        if let Some(key) = key_of(&row) {
            event.insert("id".into(), key.id().into());
            event.insert("timestamp".into(), rfc3339(key.timestamp_ns).into());
        }
        for (column, value) in self.columns.iter().zip(row).skip(KEY_COLUMNS) {
            let name = column.column.name.as_str();
            let value = match name {
                "attributes" if self.is_core(column) => attributes(value),
                _ if self.is_core(column) => missing_as_null(value),
                _ => shown(column.wire, value),
            };
            event.insert(name.to_owned(), value);
        }
        for path in self.dropped() {
            drop_path(&mut event, path);
        }
        Value::Object(event)
    }

    fn is_core(&self, column: &OutputColumn) -> bool {
        let place = self.columns.iter().position(|each| std::ptr::eq(each, column));
        place.is_some_and(|place| place < EVENT_COLUMNS.len())
    }

    fn dropped(&self) -> &[String] {
        match &self.shape {
            RowShape::Events { dropped } => dropped,
            RowShape::Table => &[],
        }
    }

    fn is_dropped(&self, name: &str) -> bool {
        self.dropped().iter().any(|path| path == name)
    }
}

/// The key of an event row, for its id and for the cursor.
#[must_use]
pub fn key_of(row: &[Value]) -> Option<EventKey> {
    Some(EventKey {
        timestamp_ns: whole(row.first()?)?,
        batch_id: whole(row.get(1)?)?,
        batch_row: whole(row.get(2)?)?,
    })
}

/// A whole number, as a number or as text.
pub fn whole<T: std::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn column(output: &OutputColumn) -> wire::Column {
    let kind = match (output.wire, output.column.kind) {
        (Wire::TimeNs, _) | (_, Kind::Time) => "datetime",
        (_, Kind::Number) => "number",
        (_, Kind::Bool) => "bool",
        (_, Kind::Array) => "array",
        _ if output.column.name == "attributes" => "json",
        _ => "string",
    };
    wire::Column { name: output.column.name.clone(), kind: kind.into() }
}

fn shown(form: Wire, value: Value) -> Value {
    match form {
        Wire::Json => value,
        Wire::TimeNs => whole(&value).map_or(Value::Null, |ns| rfc3339(ns).into()),
    }
}

fn missing_as_null(value: Value) -> Value {
    match value.as_str() {
        Some("" | "unknown") => Value::Null,
        _ => value,
    }
}

fn attributes(value: Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Value::Null => Value::Object(Map::new()),
        other => other,
    }
}

/// Takes a core field, or a dotted path below the attributes, out of an event.
fn drop_path(event: &mut Map<String, Value>, path: &str) {
    if event.remove(path).is_some() {
        return;
    }
    let mut inside = event.get_mut("attributes").and_then(Value::as_object_mut);
    let mut names = path.split('.').peekable();
    while let (Some(object), Some(name)) = (inside.take(), names.next()) {
        if names.peek().is_none() {
            object.remove(name);
            return;
        }
        inside = object.get_mut(name).and_then(Value::as_object_mut);
    }
}

/// RFC 3339 in UTC, up to nanoseconds.
#[must_use]
pub fn rfc3339(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map_or_else(|_| ns.to_string(), |time| time.to_string())
}

/// A finding of the language in the API's shape, with positions also as browsers count.
#[must_use]
pub fn diagnostic(source: &str, found: &Diagnostic) -> wire::Diagnostic {
    let span = |span: query_lang::Span| wire::Span { start: span.start, end: span.end };
    let utf16 = |at: usize| source.get(..at).map_or(0, |before| before.encode_utf16().count());
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let fixes = found.fixes.iter().map(|fix| wire::Fix {
        title: fix.title.clone(),
        edits: fix
            .edits
            .iter()
            .map(|edit| wire::TextEdit { span: span(edit.span), text: edit.text.clone() })
            .collect(),
    });
    wire::Diagnostic {
        severity: severity.into(),
        code: found.code.to_string(),
        span: span(found.span),
        span_utf16: Some(wire::Span { start: utf16(found.span.start), end: utf16(found.span.end) }),
        message: found.message.clone(),
        hint: found.hint.clone(),
        fixes: fixes.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use query_lang::{Code, Span};
    use serde_json::json;

    #[test]
    fn dropping_takes_a_path_and_leaves_its_siblings() {
        let Value::Object(mut event) =
            json!({ "host": "a", "attributes": { "http": { "status": 1, "method": "GET" } } })
        else {
            unreachable!()
        };
        drop_path(&mut event, "http.status");
        drop_path(&mut event, "host");
        drop_path(&mut event, "never.there");
        assert_eq!(Value::Object(event), json!({ "attributes": { "http": { "method": "GET" } } }));
    }

    #[test]
    fn positions_are_given_in_bytes_and_in_utf16_units() {
        let source = "é😀 AND";
        let found = Diagnostic::error(Code::E005, Span { start: 7, end: 10 }, "x");
        let shown = diagnostic(source, &found);
        assert_eq!((shown.span.start, shown.span_utf16.unwrap().start), (7, 4));
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        assert_eq!(whole::<u64>(&json!("18446744073709551615")), Some(u64::MAX));
        assert_eq!(whole::<i64>(&json!(-9_223_372_036_854_775_808_i64)), Some(i64::MIN));
        assert_eq!(whole::<i64>(&json!(null)), None);
    }
}
