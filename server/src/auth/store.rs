//! SQL of the checks: which key, which session. Both come before any tenant is known, so nothing here takes a scope.

use super::ingest_limits::IngestLimitsRow;
use super::key_budget::KeyId;
use super::{AuthError, store_error};
use crate::db::Db;
use crate::on;
use crate::time::Micros;
use uuid::Uuid;

crate::statements! {
    KEY_BY_LOOKUP = "SELECT k.id, k.organization_id, k.project_id, k.secret_hash, k.scopes, k.expires_at, k.allowed_networks, k.rows_per_day, \
        k.row_rule, k.events_per_second, k.bytes_per_second, k.daily_events, k.daily_bytes, p.retention_days \
        FROM api_keys k JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id \
        WHERE k.lookup = $1 AND k.revoked_at IS NULL AND (k.personal_to IS NULL OR EXISTS \
        (SELECT 1 FROM memberships m WHERE m.organization_id = k.organization_id AND m.user_id = k.personal_to)) \
        AND NOT EXISTS (SELECT 1 FROM project_roles r JOIN memberships m ON m.organization_id = r.organization_id AND m.user_id = r.user_id \
        WHERE r.organization_id = k.organization_id AND r.user_id = k.personal_to AND r.project_id = k.project_id \
        AND r.role = 'none' AND m.role IN ('viewer', 'editor'))";
    KEYS_CHANGED_SINCE = "SELECT lookup FROM api_keys WHERE revoked_at >= $1 OR changed_at >= $1";
    KEY_USED = "UPDATE api_keys SET last_used_at = $3 \
        WHERE organization_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)";
    ROWS_READ = "SELECT rows_read FROM api_key_reads WHERE organization_id = $1 AND key_id = $2 AND day = $3";
    ADD_ROWS_READ = "INSERT INTO api_key_reads (organization_id, key_id, day, rows_read) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (organization_id, key_id, day) DO UPDATE SET rows_read = api_key_reads.rows_read + excluded.rows_read \
        RETURNING rows_read";
    LIVE_SESSION = "SELECT s.user_id, m.role, m.row_rule, p.id AS project_id, p.retention_days FROM sessions s \
        JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = $2 \
        JOIN projects p ON p.organization_id = m.organization_id \
        LEFT JOIN project_roles r ON r.organization_id = p.organization_id AND r.project_id = p.id AND r.user_id = m.user_id \
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $3 \
        ORDER BY CASE WHEN r.role = 'none' AND m.role IN ('viewer', 'editor') THEN 1 ELSE 0 END, p.created_at, p.id LIMIT 1";
    PROJECT_ROLES = "SELECT project_id, role FROM project_roles WHERE organization_id = $1 AND user_id = $2";
    LIVE_KEY = "SELECT row_rule FROM api_keys \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";
    PROJECT_EXISTS = "SELECT id FROM projects WHERE organization_id = $1 AND id = $2";
}

#[derive(sqlx::FromRow)]
pub struct KeyRow {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub project_id: Uuid,
    pub secret_hash: Vec<u8>,
    pub scopes: String,
    pub expires_at: Option<Micros>,
    pub allowed_networks: String,
    pub rows_per_day: Option<i64>,
    pub row_rule: Option<String>,
    #[sqlx(flatten)]
    pub ingest_limits: IngestLimitsRow,
    pub retention_days: i64,
}

/// A key that lives.
#[derive(sqlx::FromRow)]
pub struct LiveKeyRow {
    pub row_rule: Option<String>,
}

#[derive(sqlx::FromRow)]
pub struct SessionRow {
    pub user_id: Uuid,
    pub role: String,
    pub row_rule: Option<String>,
    /// The oldest one that the person sees, if there is one.
    pub project_id: Uuid,
    pub retention_days: i64,
}

pub async fn project_roles(
    db: &Db,
    organization_id: Uuid,
    user_id: Uuid,
) -> Result<Vec<(Uuid, String)>, AuthError> {
    on!(db.read(), pool => sqlx::query_as(PROJECT_ROLES)
        .bind(organization_id).bind(user_id).fetch_all(pool).await)
    .map_err(store_error("look up roles in projects"))
}

pub async fn key_by_lookup(db: &Db, lookup: &str) -> Result<Option<KeyRow>, AuthError> {
    on!(db.read(), pool => sqlx::query_as(KEY_BY_LOOKUP).bind(lookup).fetch_optional(pool).await)
        .map_err(store_error("look up an API key"))
}

/// Keys that were revoked, or got other limits.
pub async fn keys_changed_since(db: &Db, since: Micros) -> Result<Vec<String>, AuthError> {
    on!(db.read(), pool => sqlx::query_scalar(KEYS_CHANGED_SINCE).bind(since).fetch_all(pool).await)
        .map_err(store_error("list changed API keys"))
}

pub async fn key_used(db: &Db, organization_id: Uuid, key_id: Uuid, at: Micros) -> Result<(), AuthError> {
    on!(db.write(), pool => sqlx::query(KEY_USED)
        .bind(organization_id).bind(key_id).bind(at).execute(pool).await.map(|_| ()))
    .map_err(store_error("note the use of an API key"))
}

/// What a key read on a day, as far as it was written down.
pub async fn rows_read(db: &Db, (organization_id, key_id): KeyId, day: i64) -> Result<u64, AuthError> {
    let read: Option<i64> = on!(db.read(), pool => sqlx::query_scalar(ROWS_READ)
        .bind(organization_id).bind(key_id).bind(day).fetch_optional(pool).await)
    .map_err(store_error("look up what a key has read"))?;
    Ok(read.unwrap_or(0).unsigned_abs())
}

/// Adds to what a key read on a day, and tells the sum.
pub async fn add_rows_read(
    db: &Db,
    (organization_id, key_id): KeyId,
    day: i64,
    rows: u64,
) -> Result<u64, AuthError> {
    let sum: i64 = on!(db.write(), pool => sqlx::query_scalar(ADD_ROWS_READ)
        .bind(organization_id).bind(key_id).bind(day).bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .fetch_one(pool).await)
    .map_err(store_error("note what a key has read"))?;
    Ok(sum.unsigned_abs())
}

pub async fn live_session(
    db: &Db,
    session_id: Uuid,
    organization_id: Uuid,
    now: Micros,
) -> Result<Option<SessionRow>, AuthError> {
    on!(db.read(), pool => sqlx::query_as(LIVE_SESSION)
        .bind(session_id).bind(organization_id).bind(now).fetch_optional(pool).await)
    .map_err(store_error("check a session"))
}

pub async fn project_exists(db: &Db, organization_id: Uuid, project_id: Uuid) -> Result<bool, AuthError> {
    on!(db.read(), pool => sqlx::query_scalar::<_, Uuid>(PROJECT_EXISTS)
        .bind(organization_id).bind(project_id).fetch_optional(pool).await)
    .map(|found| found.is_some())
    .map_err(store_error("look up a project"))
}

pub async fn live_key(
    db: &Db,
    organization_id: Uuid,
    key_id: Uuid,
    now: Micros,
) -> Result<Option<LiveKeyRow>, AuthError> {
    on!(db.read(), pool => sqlx::query_as(LIVE_KEY)
        .bind(organization_id).bind(key_id).bind(now).fetch_optional(pool).await)
    .map_err(store_error("check an API key"))
}
