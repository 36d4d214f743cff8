//! What an organization may use: by its plan where the operator has set one, by the installation's settings elsewhere.
//!
//! A plan that says nothing of a limit (NULL) leaves it to the settings, and one that says 0 has none. In `Limits` 0 is no limit.

use super::count::Amount;
use super::{UsageError, failed};
use crate::config::Settings;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::now_us;
use std::collections::HashMap;
use uuid::Uuid;

crate::statements! {
    PLANS = "SELECT organization_id, daily_events, daily_bytes, retention_days, members FROM organization_plans";
    PLAN = "SELECT organization_id, daily_events, daily_bytes, retention_days, members FROM organization_plans \
        WHERE organization_id = $1";
    SET = "INSERT INTO organization_plans (organization_id, daily_events, daily_bytes, retention_days, members, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id) DO UPDATE SET \
        daily_events = excluded.daily_events, daily_bytes = excluded.daily_bytes, \
        retention_days = excluded.retention_days, members = excluded.members, updated_at = excluded.updated_at";
    MEMBERS = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1";
}

/// What the operator has said; `None`: as the settings say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plan {
    pub daily_events: Option<u64>,
    pub daily_bytes: Option<u64>,
    pub retention_days: Option<u64>,
    pub members: Option<u64>,
}

/// What holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub daily: Amount,
    /// The longest that a project may keep logs.
    pub retention_days: u64,
    pub members: u64,
}

impl Limits {
    /// Of an organization without a plan.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            daily: Amount { events: settings.quota_daily_events, bytes: settings.quota_daily_bytes },
            retention_days: settings.quota_retention_days,
            members: settings.quota_members,
        }
    }

    /// These, with what the plan says instead.
    #[must_use]
    pub fn under(self, plan: Plan) -> Self {
        Self {
            daily: Amount {
                events: plan.daily_events.unwrap_or(self.daily.events),
                bytes: plan.daily_bytes.unwrap_or(self.daily.bytes),
            },
            retention_days: plan.retention_days.unwrap_or(self.retention_days),
            members: plan.members.unwrap_or(self.members),
        }
    }
}

#[derive(sqlx::FromRow)]
struct PlanRow {
    organization_id: Uuid,
    daily_events: Option<i64>,
    daily_bytes: Option<i64>,
    retention_days: Option<i64>,
    members: Option<i64>,
}

impl From<PlanRow> for Plan {
    fn from(row: PlanRow) -> Self {
        let said = |limit: Option<i64>| limit.map(i64::unsigned_abs);
        Self {
            daily_events: said(row.daily_events),
            daily_bytes: said(row.daily_bytes),
            retention_days: said(row.retention_days),
            members: said(row.members),
        }
    }
}

/// The plans of all organizations that have one.
///
/// # Errors
/// The database does not answer.
pub async fn all(db: &Db) -> Result<HashMap<Uuid, Plan>, UsageError> {
    let rows: Vec<PlanRow> = on!(db.read(), pool => sqlx::query_as(PLANS).fetch_all(pool).await)
        .map_err(failed("read the plans"))?;
    Ok(rows.into_iter().map(|row| (row.organization_id, row.into())).collect())
}

/// The organization's plan.
///
/// # Errors
/// The database does not answer.
pub async fn get(db: &Db, scope: &TenantScope) -> Result<Plan, UsageError> {
    let row: Option<PlanRow> = on!(db.read(), pool => sqlx::query_as(PLAN)
        .bind(scope.organization_id()).fetch_optional(pool).await)
    .map_err(failed("read a plan"))?;
    Ok(row.map(Plan::from).unwrap_or_default())
}

/// Replaces the organization's plan.
///
/// # Errors
/// The database does not take it.
pub async fn set(db: &Db, scope: &TenantScope, plan: &Plan) -> Result<(), UsageError> {
    let stored = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    on!(db.write(), pool => sqlx::query(SET)
        .bind(scope.organization_id()).bind(stored(plan.daily_events)).bind(stored(plan.daily_bytes))
        .bind(stored(plan.retention_days)).bind(stored(plan.members)).bind(now_us())
        .execute(pool).await.map(|_| ()))
    .map_err(failed("set a plan"))
}

/// What holds for the organization now.
///
/// # Errors
/// The database does not answer.
pub async fn limits(db: &Db, settings: &Settings, scope: &TenantScope) -> Result<Limits, UsageError> {
    Ok(Limits::of(settings).under(get(db, scope).await?))
}

/// How many members the organization has.
///
/// # Errors
/// The database does not answer.
pub async fn members(db: &Db, scope: &TenantScope) -> Result<u64, UsageError> {
    let count: i64 = on!(db.read(), pool => sqlx::query_scalar(MEMBERS)
        .bind(scope.organization_id()).fetch_one(pool).await)
    .map_err(failed("count members"))?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_more_less_or_nothing_or_that_there_is_no_limit() {
        let defaults = Limits { daily: Amount { events: 100, bytes: 1000 }, retention_days: 30, members: 5 };
        let plan = Plan { daily_events: Some(7), daily_bytes: Some(0), members: Some(50), ..Plan::default() };

        let limits = defaults.under(plan);

        assert_eq!(limits.daily, Amount { events: 7, bytes: 0 });
        assert_eq!((limits.retention_days, limits.members), (30, 50));
        assert_eq!(defaults.under(Plan::default()), defaults);
    }
}
