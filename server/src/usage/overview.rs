//! Rows of the database in the shape of the API.

use super::plan::Limits;
use super::quota::Quota;
use super::store::{DayRow, KeyRow, RefusalRow, SourceRow};
use super::{day_of, day_text};
use crate::tenant::TenantScope;
use crate::time::{DAY_US, now_us, rfc3339};
use api_types::usage as wire;

pub fn quota(
    quota: &Quota,
    scope: &TenantScope,
    limits: Limits,
    stored_today: (u64, u64),
    members: u64,
) -> wire::Quota {
    let used = quota.used_today(scope.organization_id());
    let set = |limit: u64| (limit > 0).then_some(limit);
    wire::Quota {
        daily_events: set(limits.daily.events),
        daily_bytes: set(limits.daily.bytes),
        events_today: used.events.max(stored_today.0),
        bytes_today: used.bytes.max(stored_today.1),
        resets_at: rfc3339((day_of(now_us()) + 1) * DAY_US),
        retention_days: set(limits.retention_days),
        members: set(limits.members),
        members_used: members,
    }
}

pub fn day(row: &DayRow) -> wire::UsageDay {
    wire::UsageDay {
        day: day_text(row.day),
        project_id: row.project_id.to_string(),
        events: row.events.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        rejected: row.rejected.unsigned_abs(),
        masked: row.masked.unsigned_abs(),
    }
}

pub fn key(row: KeyRow) -> wire::UsageKey {
    wire::UsageKey {
        key_id: (!row.key_id.is_nil()).then(|| row.key_id.to_string()),
        name: row.name,
        revoked: row.revoked_at.is_some(),
        project_id: row.project_id.to_string(),
        events: row.events.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        rejected: row.rejected.unsigned_abs(),
        last_at: rfc3339(row.last_at),
    }
}

pub fn source(row: SourceRow) -> wire::UsageSource {
    wire::UsageSource {
        project_id: row.project_id.to_string(),
        source: row.source,
        events: row.events.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        last_at: rfc3339(row.last_at),
    }
}

pub fn refusal(row: RefusalRow) -> wire::IngestRefusal {
    wire::IngestRefusal {
        project_id: row.project_id.to_string(),
        kind: row.kind,
        code: row.code,
        count: row.count.unsigned_abs(),
        last_at: rfc3339(row.last_at),
    }
}
