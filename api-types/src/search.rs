//! Searching: requests, rows and tables, histogram, fields, diagnostics.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `POST /api/v1/logs/search`. `from` and `to` are RFC 3339, epoch numbers, or relative such as `now-15m`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    #[serde(default)]
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
    /// IANA name; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// The instant that relative times mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Histogram only: about how many buckets are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// Field values only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Field values only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// A time as clients write it: text, or a number since the epoch whose size tells the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TimeInput {
    Number(f64),
    Text(String),
}

impl From<&str> for TimeInput {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchAnswer {
    pub columns: Vec<Column>,
    /// Events for a plain search, see `EventRow`; else one object a row, by column name.
    pub rows: Vec<Value>,
    pub next_cursor: Option<String>,
    pub stats: SearchStats,
    #[serde(default)]
    pub warnings: Vec<Diagnostic>,
    /// A limit of the query or the server cut the rows.
    #[serde(default)]
    pub truncated: bool,
    /// `events` or `table`.
    #[serde(default)]
    pub shape: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// `datetime`, `string`, `number`, `bool`, `array`, `json`.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchStats {
    pub elapsed_ms: f64,
    pub rows_read: u64,
    pub bytes_read: u64,
    pub cached: bool,
}

/// One event of a plain search. What is missing is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    pub id: String,
    pub timestamp: String,
    pub level: Option<String>,
    pub source: Option<String>,
    pub host: Option<String>,
    pub message: Option<String>,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub attributes: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    pub interval_ms: u64,
    pub buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    pub start: String,
    pub total: u64,
    pub by_level: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    /// `string`, `number`, `bool`, `array`, or `mixed`.
    #[serde(rename = "type")]
    pub kind: String,
    pub count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldValues {
    pub values: Vec<FieldValue>,
    /// Events that have the field.
    pub total: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldValue {
    pub value: String,
    pub count: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    pub query: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckAnswer {
    pub valid: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Diagnostic>,
    #[serde(default)]
    pub warnings: Vec<Diagnostic>,
    pub normalized: Option<String>,
    pub stages: Vec<String>,
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// A message about a query, pointing into its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// Such as `E004`.
    pub code: String,
    /// Bytes.
    pub span: Span,
    /// UTF-16 code units, as editors in browsers count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_utf16: Option<Span>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default)]
    pub fixes: Vec<Fix>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    pub title: String,
    pub edits: Vec<TextEdit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextEdit {
    pub span: Span,
    pub text: String,
}
