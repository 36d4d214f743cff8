//! SQL of the usage.

use super::count::{Account, Amount, Counted, KeyId, MOST_SOURCES, Numbers, OTHER_SOURCES};
use super::{UsageError, failed};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

crate::statements! {
    PROGRESS = "SELECT done_before FROM usage_progress WHERE log_id = $1";
    ADVANCE = "INSERT INTO usage_progress (log_id, done_before) VALUES ($1, $2) \
        ON CONFLICT (log_id) DO UPDATE SET done_before = excluded.done_before";
    ADD_KEY = "INSERT INTO usage_daily (organization_id, project_id, day, key_id, events, bytes, rejected, masked, last_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (organization_id, day, project_id, key_id) DO UPDATE SET \
        events = usage_daily.events + excluded.events, bytes = usage_daily.bytes + excluded.bytes, \
        rejected = usage_daily.rejected + excluded.rejected, masked = usage_daily.masked + excluded.masked, \
        last_at = CASE WHEN usage_daily.last_at > excluded.last_at THEN usage_daily.last_at ELSE excluded.last_at END";
    SOURCES = "SELECT source FROM usage_sources WHERE organization_id = $1 AND day = $2 AND project_id = $3";
    ADD_SOURCE = "INSERT INTO usage_sources (organization_id, project_id, day, source, events, bytes, last_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (organization_id, day, project_id, source) DO UPDATE SET \
        events = usage_sources.events + excluded.events, bytes = usage_sources.bytes + excluded.bytes, \
        last_at = CASE WHEN usage_sources.last_at > excluded.last_at THEN usage_sources.last_at ELSE excluded.last_at END";
    ADD_REFUSAL = "INSERT INTO usage_refusals (organization_id, project_id, day, kind, code, count, last_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (organization_id, day, project_id, kind, code) DO UPDATE SET \
        count = usage_refusals.count + excluded.count, \
        last_at = CASE WHEN usage_refusals.last_at > excluded.last_at THEN usage_refusals.last_at ELSE excluded.last_at END";
    OF_DAY = "SELECT organization_id, CAST(SUM(events) AS BIGINT), CAST(SUM(bytes) AS BIGINT) FROM usage_daily \
        WHERE day = $1 GROUP BY organization_id";
    OF_DAY_BY_KEY = "SELECT u.organization_id, u.key_id, CAST(SUM(u.events) AS BIGINT), CAST(SUM(u.bytes) AS BIGINT) \
        FROM usage_daily u JOIN api_keys k ON k.organization_id = u.organization_id AND k.id = u.key_id \
        WHERE u.day = $1 AND (k.daily_events IS NOT NULL OR k.daily_bytes IS NOT NULL) GROUP BY u.organization_id, u.key_id";
    BY_DAY = "SELECT project_id, day, CAST(SUM(events) AS BIGINT) AS events, CAST(SUM(bytes) AS BIGINT) AS bytes, \
        CAST(SUM(rejected) AS BIGINT) AS rejected, CAST(SUM(masked) AS BIGINT) AS masked FROM usage_daily \
        WHERE organization_id = $1 AND day >= $2 AND day <= $3 GROUP BY project_id, day ORDER BY day, project_id";
    BY_KEY = "SELECT u.key_id, u.project_id, k.name, k.revoked_at, CAST(SUM(u.events) AS BIGINT) AS events, \
        CAST(SUM(u.bytes) AS BIGINT) AS bytes, CAST(SUM(u.rejected) AS BIGINT) AS rejected, MAX(u.last_at) AS last_at \
        FROM usage_daily u LEFT JOIN api_keys k ON k.organization_id = u.organization_id AND k.id = u.key_id \
        WHERE u.organization_id = $1 AND u.day >= $2 AND u.day <= $3 \
        GROUP BY u.key_id, u.project_id, k.name, k.revoked_at ORDER BY bytes DESC LIMIT 200";
    BY_SOURCE = "SELECT project_id, source, CAST(SUM(events) AS BIGINT) AS events, CAST(SUM(bytes) AS BIGINT) AS bytes, \
        MAX(last_at) AS last_at FROM usage_sources \
        WHERE organization_id = $1 AND day >= $2 AND day <= $3 GROUP BY project_id, source ORDER BY bytes DESC LIMIT 200";
    BY_REFUSAL = "SELECT project_id, kind, code, CAST(SUM(count) AS BIGINT) AS count, MAX(last_at) AS last_at \
        FROM usage_refusals WHERE organization_id = $1 AND day >= $2 AND day <= $3 \
        GROUP BY project_id, kind, code ORDER BY count DESC LIMIT 200";
    SWEEP_DAILY = "DELETE FROM usage_daily WHERE day < $1 OR organization_id NOT IN (SELECT id FROM organizations)";
    SWEEP_SOURCES = "DELETE FROM usage_sources WHERE day < $1 OR organization_id NOT IN (SELECT id FROM organizations)";
    SWEEP_REFUSALS = "DELETE FROM usage_refusals WHERE day < $1 OR organization_id NOT IN (SELECT id FROM organizations)";
}

/// How far a write-ahead log is counted.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub log_id: [u8; 16],
    pub done_before: u64,
}

/// Writes counts down, and with them how far the log is counted: all or nothing. Does nothing when it is counted that far.
///
/// # Errors
/// The database does not take them.
pub async fn write(db: &Db, counted: &Counted, progress: Option<Progress>) -> Result<(), UsageError> {
    let outcome: Result<(), sqlx::Error> = on!(db.write(), pool => async {
        let mut transaction = pool.begin().await?;
        if let Some(Progress { log_id, done_before }) = progress {
            let done: Option<i64> = sqlx::query_scalar(PROGRESS)
                .bind(log_id.to_vec()).fetch_optional(&mut *transaction).await?;
            if done.is_some_and(|done| done as u64 >= done_before) {
                return Ok(());
            }
            sqlx::query(ADVANCE).bind(log_id.to_vec()).bind(done_before as i64).execute(&mut *transaction).await?;
        }
        for ((account, key_id), numbers) in &counted.keys {
            let Account { organization_id, project_id, day } = *account;
            sqlx::query(ADD_KEY)
                .bind(organization_id).bind(project_id).bind(day).bind(*key_id)
                .bind(numbers.events as i64).bind(numbers.bytes as i64).bind(numbers.rejected as i64)
                .bind(numbers.masked as i64).bind(numbers.last_at)
                .execute(&mut *transaction).await?;
        }
        for (account, sources) in &counted.sources {
            let Account { organization_id, project_id, day } = *account;
            let known: Vec<String> = sqlx::query_scalar(SOURCES)
                .bind(organization_id).bind(day).bind(project_id).fetch_all(&mut *transaction).await?;
            for (source, Numbers { events, bytes, last_at, .. }) in named(sources, known) {
                sqlx::query(ADD_SOURCE)
                    .bind(organization_id).bind(project_id).bind(day).bind(source)
                    .bind(events as i64).bind(bytes as i64).bind(last_at)
                    .execute(&mut *transaction).await?;
            }
        }
        for ((account, (kind, code)), (count, last_at)) in &counted.refusals {
            sqlx::query(ADD_REFUSAL)
                .bind(account.organization_id).bind(account.project_id).bind(account.day).bind(*kind)
                .bind(code.as_str()).bind(*count as i64).bind(*last_at)
                .execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }.await);
    outcome.map_err(failed("count usage"))
}

/// The sources under the names by which they are counted: a project has so many names a day, and the rest together.
fn named(sources: &HashMap<String, Numbers>, known: Vec<String>) -> HashMap<String, Numbers> {
    let mut names: HashSet<String> = known.into_iter().collect();
    let mut named: HashMap<String, Numbers> = HashMap::new();
    for (source, numbers) in sources {
        let is_named = names.contains(source) || names.len() < MOST_SOURCES;
        let name = if is_named { source.as_str() } else { OTHER_SOURCES };
        names.insert(name.to_owned());
        named.entry(name.to_owned()).or_default().add(numbers);
    }
    named
}

/// How far the log is counted. A log that lost data gives positions out again: then counting goes on from `progress`.
///
/// # Errors
/// The database does not answer.
pub async fn resume(db: &Db, progress: Progress) -> Result<u64, UsageError> {
    let done: Option<i64> = on!(db.read(), pool => sqlx::query_scalar(PROGRESS)
        .bind(progress.log_id.to_vec()).fetch_optional(pool).await)
    .map_err(failed("read how far usage is counted"))?;
    let done = done.unwrap_or(0) as u64;
    if done <= progress.done_before {
        return Ok(done);
    }
    on!(db.write(), pool => sqlx::query(ADVANCE)
        .bind(progress.log_id.to_vec()).bind(progress.done_before as i64).execute(pool).await.map(|_| ()))
    .map_err(failed("write how far usage is counted"))?;
    Ok(progress.done_before)
}

/// Events and bytes of every organization on a day.
///
/// # Errors
/// The database does not answer.
pub async fn of_day(db: &Db, day: i64) -> Result<Vec<(Uuid, Amount)>, UsageError> {
    let rows: Vec<(Uuid, i64, i64)> =
        on!(db.read(), pool => sqlx::query_as(OF_DAY).bind(day).fetch_all(pool).await)
            .map_err(failed("read the usage of a day"))?;
    Ok(rows.into_iter().map(|(id, events, bytes)| (id, amount(events, bytes))).collect())
}

/// The same of every key that has a daily limit.
///
/// # Errors
/// The database does not answer.
pub async fn of_day_by_key(db: &Db, day: i64) -> Result<Vec<(KeyId, Amount)>, UsageError> {
    let rows: Vec<(Uuid, Uuid, i64, i64)> =
        on!(db.read(), pool => sqlx::query_as(OF_DAY_BY_KEY).bind(day).fetch_all(pool).await)
            .map_err(failed("read the usage of a day by key"))?;
    let of_key =
        |(organization_id, key_id, events, bytes)| ((organization_id, key_id), amount(events, bytes));
    Ok(rows.into_iter().map(of_key).collect())
}

fn amount(events: i64, bytes: i64) -> Amount {
    Amount { events: events.unsigned_abs(), bytes: bytes.unsigned_abs() }
}

#[derive(Debug, sqlx::FromRow)]
pub struct DayRow {
    pub project_id: Uuid,
    pub day: i64,
    pub events: i64,
    pub bytes: i64,
    pub rejected: i64,
    pub masked: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub struct KeyRow {
    pub key_id: Uuid,
    pub project_id: Uuid,
    pub name: Option<String>,
    pub revoked_at: Option<i64>,
    pub events: i64,
    pub bytes: i64,
    pub rejected: i64,
    pub last_at: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub struct SourceRow {
    pub project_id: Uuid,
    pub source: String,
    pub events: i64,
    pub bytes: i64,
    pub last_at: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub struct RefusalRow {
    pub project_id: Uuid,
    pub kind: String,
    pub code: String,
    pub count: i64,
    pub last_at: i64,
}

/// Days, both included.
pub type Days = (i64, i64);

macro_rules! lists {
    ($( $(#[$meta:meta])* $name:ident: $statement:ident -> $row:ty; )+) => { $(
        $(#[$meta])*
        ///
        /// # Errors
        /// The database does not answer.
        pub async fn $name(db: &Db, scope: &TenantScope, (from, to): Days) -> Result<Vec<$row>, UsageError> {
            on!(db.read(), pool => sqlx::query_as($statement)
                .bind(scope.organization_id()).bind(from).bind(to).fetch_all(pool).await)
            .map_err(failed("read usage"))
        }
    )+ };
}

lists! {
    /// By project and day, oldest first.
    by_day: BY_DAY -> DayRow;
    /// By key, most bytes first.
    by_key: BY_KEY -> KeyRow;
    /// By source, most bytes first.
    by_source: BY_SOURCE -> SourceRow;
    /// What was turned away by reason, most first.
    by_refusal: BY_REFUSAL -> RefusalRow;
}

/// Forgets days before this one, and organizations that are gone.
///
/// # Errors
/// The database does not answer.
pub async fn sweep(db: &Db, before: i64) -> Result<(), UsageError> {
    for statement in [SWEEP_DAILY, SWEEP_SOURCES, SWEEP_REFUSALS] {
        on!(db.write(), pool => sqlx::query(statement).bind(before).execute(pool).await.map(|_| ()))
            .map_err(failed("sweep usage"))?;
    }
    Ok(())
}
