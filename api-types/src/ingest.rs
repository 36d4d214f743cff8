//! Answers of the native ingest endpoint, receipts and dead letters.

use serde::{Deserialize, Serialize};

/// 202 of `POST /api/v1/logs/ingest`: what is counted as accepted is on durable storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IngestAnswer {
    pub accepted: u64,
    pub rejected: u64,
    /// The first 100 of the rejected.
    pub errors: Vec<IngestError>,
    /// Ask `GET /api/v1/ingest/receipts/{batch}` what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

/// The answer when there were events and none of them is good: a problem that tells the counts as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsRejected {
    #[serde(rename = "type")]
    pub type_uri: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// `all_events_rejected`.
    pub code: String,
    pub request_id: String,
    #[serde(flatten)]
    pub answer: IngestAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IngestError {
    /// Place of the event in the body, from 0.
    pub index: u64,
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeadLetter {
    pub id: String,
    pub project_id: String,
    pub received_at: String,
    pub code: String,
    pub reason: String,
    /// The event as it came; bytes that are not UTF-8 are replaced here.
    pub original: String,
    pub source: Option<String>,
}

/// Which dead letters are meant: some by id, or all of a project or with a code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSelection {
    #[serde(default)]
    pub ids: Vec<String>,
    /// Must be true when no ids are given.
    #[serde(default)]
    pub all: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What a replay did: the replayed are events now, the rejected are still dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReplayAnswer {
    pub replayed: u64,
    pub rejected: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedAnswer {
    pub deleted: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    pub batch: String,
    pub state: ReceiptState,
    /// Events of the batch that are dead letters.
    pub dead_letters: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// On durable storage, and on its way to the log store.
    Queued,
    /// Every event can be searched.
    Stored,
    /// Some events are dead letters; the others can be searched.
    DeadLettered,
}

/// A port that belongs to one project: what is sent to it needs no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyslogListener {
    pub id: String,
    pub project_id: String,
    /// `tcp`, `udp` or `tls`.
    pub protocol: String,
    pub address: String,
    pub port: u16,
    pub created_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSyslogListener {
    /// The organization's first project when left out.
    #[serde(default)]
    pub project_id: Option<String>,
    pub protocol: String,
    /// Any free one when left out.
    #[serde(default)]
    pub port: Option<u16>,
}
