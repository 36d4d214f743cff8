//! Searching: requests, rows and tables, histogram, fields, diagnostics.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `POST /api/v1/logs/search`. `from` and `to` are RFC 3339, epoch numbers, or relative such as `now-15m`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Of a first page without rows: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<crate::events::Empty>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Column {
    pub name: String,
    /// `datetime`, `string`, `number`, `bool`, `array`, `json`.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchStats {
    pub elapsed_ms: f64,
    pub rows_read: u64,
    pub bytes_read: u64,
    pub cached: bool,
    /// Of a cached answer: how old it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

/// `event: progress` of `POST /api/v1/logs/search/stream`, once a search takes longer than a moment. Then come `rows` with a
/// `SearchAnswer` of the newest rows so far, where they were cheap, and at the end `result` (`SearchAnswer`) or `error` (a problem).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    pub elapsed_ms: f64,
    pub rows_read: u64,
    pub bytes_read: u64,
    /// About how many there are to read; 0 while nobody knows.
    pub rows_total: u64,
    pub percent: Option<f64>,
}

/// One event of a plain search. What is missing is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Histogram {
    pub interval_ms: u64,
    pub buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bucket {
    pub start: String,
    pub total: u64,
    pub by_level: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fields {
    pub fields: Vec<Field>,
    /// How many events were looked at.
    #[serde(default)]
    pub events: u64,
    /// Whether these were the newest of more; numbers of different values are always of the newest ones.
    #[serde(default)]
    pub sampled: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Field {
    pub name: String,
    /// `string`, `number`, `bool`, `array`, or `mixed`.
    #[serde(rename = "type")]
    pub kind: String,
    pub count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// Of a mixed field: how many of the newest events have a value of each type. A type that only older events have is there with 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldValues {
    pub values: Vec<FieldValue>,
    /// Events that have the field.
    pub total: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldValue {
    pub value: String,
    pub count: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    pub query: String,
    /// With a range the answer has `sql` and `estimate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// What would run, with its parameters written in for reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
}

/// What a search would read at most, told before it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// A search for the newest matches stops as soon as it has enough.
    pub rows: u64,
    /// Uncompressed, of the columns that it reads; `null` when that cannot be told.
    pub bytes: Option<u64>,
    /// Pieces of the index that are left, and how many the range has.
    pub marks: u64,
    pub marks_in_range: u64,
    pub parts: u64,
    /// Which index narrows the search, or why none does.
    pub indexes: Vec<IndexUse>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IndexUse {
    /// `time`, `message words` or `trace id`.
    pub index: String,
    pub used: bool,
    /// One sentence.
    pub note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks_before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks_after: Option<u64>,
}

/// `POST /api/v1/query/translate`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TranslateRequest {
    pub text: String,
    /// `spl`, `log_ql`, `kusto`, `kibana_kql`, `lucene` or `logs_ql`; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TranslateAnswer {
    pub language: String,
    /// In our language. It is never run by itself.
    pub query: String,
    /// What differs, one sentence each.
    pub notes: Vec<String>,
}

/// A message about a query, pointing into its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fix {
    pub title: String,
    pub edits: Vec<TextEdit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextEdit {
    pub span: Span,
    pub text: String,
}
