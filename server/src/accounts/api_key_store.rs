//! SQL of API keys.

use super::{AccountError, failed_to};
use crate::auth::api_key::{NewKey, Parsed, shown_prefix};
use crate::auth::{IngestLimitsRow, scopes_of};
use crate::db::Db;
use crate::on;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{ApiKey, CommandLine, IngestLimits, KeyScope};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at, \
        allowed_networks, rows_per_day, row_rule, replaced_by, personal_to, \
        events_per_second, bytes_per_second, daily_events, daily_bytes FROM api_keys \
        WHERE organization_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC";
    GET = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at, \
        allowed_networks, rows_per_day, row_rule, replaced_by, personal_to, \
        events_per_second, bytes_per_second, daily_events, daily_bytes FROM api_keys \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    INSERT = "INSERT INTO api_keys \
        (organization_id, id, project_id, name, lookup, secret_hash, scopes, created_by, created_at, expires_at, \
        allowed_networks, rows_per_day, row_rule, personal_to, \
        events_per_second, bytes_per_second, daily_events, daily_bytes) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    LIMIT = "UPDATE api_keys SET events_per_second = $3, bytes_per_second = $4, daily_events = $5, daily_bytes = $6, \
        changed_at = $7 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    REPLACE = "UPDATE api_keys SET replaced_by = $3, expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND replaced_by IS NULL";
    REVOKE = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    LIST_PERSONAL = "SELECT k.id, k.name, o.name AS organization, p.name AS project, k.scopes, k.created_at, k.expires_at, \
        k.last_used_at FROM api_keys k JOIN organizations o ON o.id = k.organization_id \
        JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id \
        WHERE k.personal_to = $1 AND k.revoked_at IS NULL AND k.expires_at > $2 ORDER BY k.created_at DESC, k.id DESC";
    END_ONE_PERSONAL = "UPDATE api_keys SET revoked_at = $3 WHERE id = $2 AND personal_to = $1 AND revoked_at IS NULL \
        RETURNING organization_id, id, name, lookup, personal_to";
    END_PERSONAL = "UPDATE api_keys SET revoked_at = $3 WHERE lookup = $1 AND secret_hash = $2 AND personal_to IS NOT NULL \
        AND revoked_at IS NULL RETURNING organization_id, id, name, lookup, personal_to";
}

#[derive(sqlx::FromRow)]
pub struct KeyRow {
    id: Uuid,
    pub project_id: Uuid,
    pub name: String,
    pub lookup: String,
    scopes: String,
    created_at: Micros,
    pub expires_at: Option<Micros>,
    last_used_at: Option<Micros>,
    pub allowed_networks: String,
    pub rows_per_day: Option<i64>,
    row_rule: Option<String>,
    replaced_by: Option<Uuid>,
    pub personal_to: Option<Uuid>,
    #[sqlx(flatten)]
    ingest_limits: IngestLimitsRow,
}

impl KeyRow {
    pub fn scopes(&self) -> Vec<KeyScope> {
        scopes_of(&self.scopes)
    }

    pub fn row_rule(&self) -> Option<RowRule> {
        self.row_rule.clone().map(RowRule::stored)
    }

    pub fn ingest_limits(&self) -> IngestLimits {
        self.ingest_limits.into()
    }
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        let scopes = row.scopes();
        Self {
            id: row.id.to_string(),
            name: row.name,
            project_id: row.project_id.to_string(),
            prefix: shown_prefix(&scopes, &row.lookup),
            scopes,
            created_at: rfc3339(row.created_at),
            expires_at: row.expires_at.map(rfc3339),
            last_used_at: row.last_used_at.map(rfc3339),
            allowed_networks: words(&row.allowed_networks),
            rows_per_day: row.rows_per_day.map(i64::unsigned_abs),
            row_rule: row.row_rule,
            ingest_limits: row.ingest_limits.into(),
            replaced_by: row.replaced_by.map(|id| id.to_string()),
        }
    }
}

pub struct NewRow<'a> {
    pub project_id: Uuid,
    pub name: &'a str,
    pub scopes: &'a [KeyScope],
    pub created_by: Option<Uuid>,
    pub expires_at: Option<Micros>,
    /// With commas between.
    pub allowed_networks: &'a str,
    pub rows_per_day: Option<i64>,
    pub row_rule: Option<&'a RowRule>,
    pub ingest_limits: IngestLimits,
    /// The person whose command line it is.
    pub personal_to: Option<Uuid>,
    pub key: &'a NewKey,
}

/// Newest first.
pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<ApiKey>, AccountError> {
    let rows: Vec<KeyRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).fetch_all(pool).await)
    .map_err(failed_to("list API keys"))?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub async fn get(db: &Db, scope: &TenantScope, key_id: Uuid) -> Result<KeyRow, AccountError> {
    on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(key_id).fetch_optional(pool).await)
    .map_err(failed_to("look up an API key"))?
    .ok_or(AccountError::NotFound)
}

/// The statement that inserts a key, for either database, in a transaction or not.
macro_rules! insert_row {
    ($executor:expr, $scope:expr, $row:expr, $new:expr) => {
        sqlx::query(INSERT)
            .bind($scope.organization_id())
            .bind($row.id)
            .bind($row.project_id)
            .bind(&$row.name)
            .bind(&$row.lookup)
            .bind($new.key.secret_hash.to_vec())
            .bind(&$row.scopes)
            .bind($new.created_by)
            .bind($row.created_at)
            .bind($row.expires_at)
            .bind(&$row.allowed_networks)
            .bind($row.rows_per_day)
            .bind(&$row.row_rule)
            .bind($row.personal_to)
            .bind($row.ingest_limits.events_per_second)
            .bind($row.ingest_limits.bytes_per_second)
            .bind($row.ingest_limits.daily_events)
            .bind($row.ingest_limits.daily_bytes)
            .execute($executor)
            .await
    };
}

fn row_of(new: &NewRow<'_>) -> KeyRow {
    KeyRow {
        id: Uuid::now_v7(),
        project_id: new.project_id,
        name: new.name.to_owned(),
        lookup: new.key.lookup.clone(),
        scopes: words_of(new.scopes),
        created_at: now_us(),
        expires_at: new.expires_at,
        last_used_at: None,
        allowed_networks: new.allowed_networks.to_owned(),
        rows_per_day: new.rows_per_day,
        row_rule: new.row_rule.map(|rule| rule.as_str().to_owned()),
        replaced_by: None,
        personal_to: new.personal_to,
        ingest_limits: new.ingest_limits.into(),
    }
}

pub async fn insert(db: &Db, scope: &TenantScope, new: &NewRow<'_>) -> Result<ApiKey, AccountError> {
    let row = row_of(new);
    on!(db.write(), pool => insert_row!(pool, scope, row, new).map(|_| ()))
        .map_err(failed_to("create an API key"))?;
    Ok(row.into())
}

/// Makes the key that follows another one, which ends at `ends_at` or when it would have ended anyway.
pub async fn replace(
    db: &Db,
    scope: &TenantScope,
    old: Uuid,
    new: &NewRow<'_>,
    ends_at: Micros,
) -> Result<ApiKey, AccountError> {
    let row = row_of(new);
    let replaced: Result<bool, sqlx::Error> = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let replaced = sqlx::query(REPLACE)
                .bind(scope.organization_id()).bind(old).bind(row.id).bind(ends_at)
                .execute(&mut *transaction).await?.rows_affected();
            if replaced == 0 {
                return Ok(false);
            }
            insert_row!(&mut *transaction, scope, row, new)?;
            transaction.commit().await?;
            Ok(true)
        })
    }
    .await;
    if replaced.map_err(failed_to("rotate an API key"))? {
        Ok(row.into())
    } else {
        Err(AccountError::KeyRotated)
    }
}

/// Gives a key other limits of sending.
pub async fn limit(
    db: &Db,
    scope: &TenantScope,
    key_id: Uuid,
    limits: IngestLimits,
) -> Result<(), AccountError> {
    let row = IngestLimitsRow::from(limits);
    let changed = on!(db.write(), pool => sqlx::query(LIMIT)
        .bind(scope.organization_id()).bind(key_id).bind(row.events_per_second).bind(row.bytes_per_second)
        .bind(row.daily_events).bind(row.daily_bytes).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("change an API key"))?;
    if changed == 1 { Ok(()) } else { Err(AccountError::NotFound) }
}

pub async fn revoke(db: &Db, scope: &TenantScope, key_id: Uuid) -> Result<(), AccountError> {
    let revoked = on!(db.write(), pool => sqlx::query(REVOKE)
        .bind(scope.organization_id()).bind(key_id).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("revoke an API key"))?;
    if revoked == 1 { Ok(()) } else { Err(AccountError::NotFound) }
}

/// A key of a command line that its owner has ended.
#[derive(sqlx::FromRow)]
pub struct Ended {
    pub organization_id: Uuid,
    pub id: Uuid,
    pub name: String,
    pub lookup: String,
    pub personal_to: Uuid,
}

/// Ends a command line's key, by its whole text. Before it the tenant is not known, so this takes no scope.
pub async fn end_personal(db: &Db, key: &Parsed) -> Result<Option<Ended>, AccountError> {
    on!(db.write(), pool => sqlx::query_as(END_PERSONAL)
        .bind(&key.lookup).bind(key.secret_hash.to_vec()).bind(now_us()).fetch_optional(pool).await)
    .map_err(failed_to("log a command line out"))
}

#[derive(sqlx::FromRow)]
struct PersonalRow {
    id: Uuid,
    name: String,
    organization: String,
    project: String,
    scopes: String,
    created_at: Micros,
    expires_at: Option<Micros>,
    last_used_at: Option<Micros>,
}

/// The command lines of a person, in whichever organization, newest first.
pub async fn list_personal(db: &Db, user_id: Uuid) -> Result<Vec<CommandLine>, AccountError> {
    let rows: Vec<PersonalRow> = on!(db.read(), pool => sqlx::query_as(LIST_PERSONAL)
        .bind(user_id).bind(now_us()).fetch_all(pool).await)
    .map_err(failed_to("list command lines"))?;
    let view = |row: PersonalRow| CommandLine {
        id: row.id.to_string(),
        name: row.name,
        organization: row.organization,
        project: row.project,
        scopes: scopes_of(&row.scopes),
        created_at: rfc3339(row.created_at),
        expires_at: row.expires_at.map(rfc3339),
        last_used_at: row.last_used_at.map(rfc3339),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Ends one of a person's command lines.
pub async fn end_one_personal(db: &Db, user_id: Uuid, key_id: Uuid) -> Result<Ended, AccountError> {
    on!(db.write(), pool => sqlx::query_as(END_ONE_PERSONAL)
        .bind(user_id).bind(key_id).bind(now_us()).fetch_optional(pool).await)
    .map_err(failed_to("end a command line"))?
    .ok_or(AccountError::NotFound)
}

fn words(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Scopes as they are stored, with commas between.
pub fn words_of(scopes: &[KeyScope]) -> String {
    let word = |scope: &KeyScope| match scope {
        KeyScope::Ingest => "ingest",
        KeyScope::Query => "query",
        KeyScope::Admin => "admin",
    };
    scopes.iter().map(word).collect::<Vec<_>>().join(",")
}
