//! Answers of the native ingest endpoint, receipts and dead letters.

use serde::{Deserialize, Serialize};

/// 202 of `POST /api/v1/logs/ingest`: what is counted as accepted is on durable storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestAnswer {
    pub accepted: u64,
    pub rejected: u64,
    /// The first 100 of the rejected.
    pub errors: Vec<IngestError>,
    /// Ask `GET /api/v1/ingest/receipts/{batch}` what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestError {
    /// Place of the event in the body, from 0.
    pub index: u64,
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
