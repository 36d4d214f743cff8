//! A key's own limits of sending, as the database keeps them.

use api_types::accounts::IngestLimits;

/// The columns of `api_keys` with these names.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct IngestLimitsRow {
    pub events_per_second: Option<i64>,
    pub bytes_per_second: Option<i64>,
    pub daily_events: Option<i64>,
    pub daily_bytes: Option<i64>,
}

impl From<IngestLimits> for IngestLimitsRow {
    fn from(limits: IngestLimits) -> Self {
        let stored = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
        Self {
            events_per_second: stored(limits.events_per_second),
            bytes_per_second: stored(limits.bytes_per_second),
            daily_events: stored(limits.daily_events),
            daily_bytes: stored(limits.daily_bytes),
        }
    }
}

impl From<IngestLimitsRow> for IngestLimits {
    fn from(row: IngestLimitsRow) -> Self {
        let limit = |stored: Option<i64>| stored.map(i64::unsigned_abs);
        Self {
            events_per_second: limit(row.events_per_second),
            bytes_per_second: limit(row.bytes_per_second),
            daily_events: limit(row.daily_events),
            daily_bytes: limit(row.daily_bytes),
        }
    }
}
