//! What an organization sends, against what it may send.

use serde::{Deserialize, Serialize};

/// `GET /api/v1/usage?from=2026-03-01&to=2026-03-31`: counted by day of arrival, UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    pub from: String,
    pub to: String,
    pub quota: Quota,
    /// What a single organization may send per second; 0 is no limit.
    pub rates: Rates,
    pub days: Vec<UsageDay>,
    pub keys: Vec<UsageKey>,
    pub sources: Vec<UsageSource>,
}

/// The limits of the organization's plan, and what of them is used; `null` is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quota {
    pub daily_events: Option<u64>,
    pub daily_bytes: Option<u64>,
    /// What of it is used today, with what is on its way to the store.
    pub events_today: u64,
    pub bytes_today: u64,
    /// When the day ends.
    pub resets_at: String,
    /// The longest that a project may keep logs.
    pub retention_days: Option<u64>,
    pub members: Option<u64>,
    pub members_used: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rates {
    pub events_per_second: u64,
    pub bytes_per_second: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageDay {
    pub day: String,
    pub project_id: String,
    /// Events that are stored, and their bytes after decoding.
    pub events: u64,
    pub bytes: u64,
    pub rejected: u64,
    /// Values that the project's rules masked.
    pub masked: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageKey {
    /// `null`: people sent it themselves.
    pub key_id: Option<String>,
    /// `null` when the key is gone.
    pub name: Option<String>,
    pub revoked: bool,
    pub project_id: String,
    pub events: u64,
    pub bytes: u64,
    pub rejected: u64,
    pub last_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageSource {
    pub project_id: String,
    /// Empty for events that name none.
    pub source: String,
    pub events: u64,
    pub bytes: u64,
    pub last_at: String,
}

/// `GET /api/v1/ingest/health`: how the last seven days of ingest went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IngestHealth {
    /// What was turned away, most first.
    pub refusals: Vec<IngestRefusal>,
    pub sources: Vec<UsageSource>,
    pub keys: Vec<UsageKey>,
    /// Dead letters that wait for somebody.
    pub dead_letters: u64,
    pub delivery: Delivery,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IngestRefusal {
    pub project_id: String,
    /// `event`: one event of a batch; `request`: a body as a whole.
    pub kind: String,
    pub code: String,
    pub count: u64,
    pub last_at: String,
}

/// How far behind this node's delivery to the log store is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IngestDelivery"))]
pub struct Delivery {
    /// `up_to_date`, `catching_up`, or `store_unavailable`.
    pub state: String,
    /// Age of the oldest acknowledged batch that is not searchable yet.
    pub oldest_waiting_s: f64,
}
