//! Gives rows the shape of the API: events with fixed fields, tables as objects by column name.

use super::event_row::event_row;
use crate::logstore::Answer;
use api_types::search as wire;
use jiff::Timestamp;
use query_lang::ast::Kind;
use query_lang::sql::{Compiled, EVENT_COLUMNS, EventKey, OutputColumn, RowShape, Wire};
use query_lang::{Diagnostic, Severity};
use serde_json::Value;

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

    /// The columns of a table; of events the fields that they still have, and the computed ones.
    #[must_use]
    pub fn columns(&self) -> Vec<wire::Column> {
        let key = |column: &&OutputColumn| !["batch_id", "batch_row"].contains(&column.column.name.as_str());
        match &self.shape {
            RowShape::Table => self.columns.iter().map(column).collect(),
            RowShape::Events { dropped, .. } => {
                let (core, computed) = self.columns.split_at(EVENT_COLUMNS.len().min(self.columns.len()));
                let computed = computed.iter().filter(|column| !column.column.name.is_empty());
                let is_hidden = |name: &String| {
                    dropped.contains(name) || computed.clone().any(|c| c.column.name == *name)
                };
                let core = core.iter().filter(key).filter(|column| !is_hidden(&column.column.name));
                core.chain(computed.clone()).map(column).collect()
            }
        }
    }

    #[must_use]
    pub fn rows(&self, answer: Answer) -> Vec<Value> {
        answer.rows.into_iter().map(|row| self.row(row)).collect()
    }

    #[must_use]
    pub fn row(&self, row: Vec<Value>) -> Value {
        match self.shape {
            RowShape::Events { .. } => event_row(&self.shape, &self.columns, row),
            RowShape::Table => self.table_row(row),
        }
    }

    fn table_row(&self, row: Vec<Value>) -> Value {
        let members = self.columns.iter().zip(row);
        Value::Object(
            members.map(|(column, value)| (column.column.name.clone(), shown(column.wire, value))).collect(),
        )
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

pub(super) fn shown(form: Wire, value: Value) -> Value {
    match form {
        Wire::Json => value,
        Wire::TimeNs => whole(&value).map_or(Value::Null, |ns| rfc3339(ns).into()),
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
