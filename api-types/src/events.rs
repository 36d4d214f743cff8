//! Around and across events: context, patterns, export, differences, and why nothing was found.

use crate::search::{EventRow, Fix, Span, TimeInput};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /api/v1/logs/{id}/context?before=50&after=50&same=source,host`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Context {
    pub event: EventRow,
    /// The older neighbours, oldest first.
    pub before: Vec<EventRow>,
    /// The newer neighbours, oldest first.
    pub after: Vec<EventRow>,
    /// There are older ones: ask again with the id of the first of `before`, and `after=0`.
    pub more_before: bool,
    pub more_after: bool,
}

/// `POST /api/v1/logs/patterns`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Patterns {
    /// Most frequent first.
    pub patterns: Vec<Pattern>,
    /// Matching events with a message.
    pub events: u64,
    /// Patterns in all; more than are listed when `truncated`.
    pub distinct: u64,
    pub truncated: bool,
    /// Width of one number of a sparkline, and where the first one begins.
    pub interval_ms: u64,
    pub start: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pattern {
    /// The first line of a message with what varies masked: `user <num> logged in`.
    pub pattern: String,
    /// Exact over the whole range.
    pub count: u64,
    /// The most frequent level; `null` when most have none.
    pub level: Option<String>,
    pub by_level: BTreeMap<String, u64>,
    /// The newest event, and its message.
    pub sample_id: String,
    pub sample: String,
    pub last_seen: String,
    /// Events per interval, from the start of the range to its end.
    pub sparkline: Vec<u64>,
}

/// `POST /api/v1/logs/export`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    #[serde(default)]
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<TimeInput>,
    #[serde(default)]
    pub format: ExportFormat,
    /// Only the first so many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    #[default]
    Ndjson,
    /// With a header line; cells that a spreadsheet would run as a formula begin with an apostrophe.
    Csv,
    Parquet,
}

/// Why a search found nothing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Empty {
    /// `never_ingested`: the project has no events at all. `no_data_in_range`: none in the time range. `filter`: events are there,
    /// and no one matches the filter. `stages`: events match, and a stage left none. `unknown`: finding out would cost too much.
    pub reason: String,
    /// One sentence for people.
    pub message: String,
    /// Events in the range, whatever the filter says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_in_range: Option<u64>,
    /// Each term of the filter.
    #[serde(default)]
    pub terms: Vec<EmptyTerm>,
    /// The nearest range of the same length that has matching events (`filter`), or any (`no_data_in_range`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestRange>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmptyTerm {
    pub text: String,
    pub span: Span,
    /// Events of the range that this term alone lets through.
    pub alone: u64,
    /// Events of the range that all other terms let through.
    pub without: u64,
    /// Spellings that exist.
    #[serde(default)]
    pub fixes: Vec<Fix>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NearestRange {
    pub from: String,
    pub to: String,
    /// The event nearest to the range that was searched.
    pub event_at: String,
}

/// `POST /api/v1/logs/difference`: what is different about the events of `query` between `from` and `to`?
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DifferenceRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    #[serde(default)]
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<TimeInput>,
    #[serde(default)]
    pub baseline: BaselineRequest,
    /// Most values in the answer: 50 when absent, at most 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What they are compared with. What is left out is as in the request itself; events that belong to both are left out here, so
/// `{"query": "*"}` is "the rest of the same time".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BaselineRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Differences {
    /// The most different first.
    pub values: Vec<DifferentValue>,
    pub target: Compared,
    pub baseline: Compared,
    /// Percent of the events that were looked at; 100 is all of them.
    pub sampled_percent: f64,
}

/// How many events are on one side, and how many of them were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compared {
    pub events: u64,
    pub sampled: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DifferentValue {
    /// A field; `pattern` stands for the shape of the message.
    pub field: String,
    pub value: String,
    /// Percent of the target's events that have it, and of the baseline's.
    pub target_percent: f64,
    pub baseline_percent: f64,
    /// Events that were looked at and have it.
    pub target_count: u64,
    pub baseline_count: u64,
}
