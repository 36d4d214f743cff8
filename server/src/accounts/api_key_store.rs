//! SQL of API keys.

use super::{AccountError, failed_to};
use crate::auth::api_key::{NewKey, shown_prefix};
use crate::auth::scopes_of;
use crate::db::Db;
use crate::on;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{ApiKey, KeyScope};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at, \
        allowed_networks, rows_per_day, row_rule, replaced_by FROM api_keys \
        WHERE organization_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC";
    GET = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at, \
        allowed_networks, rows_per_day, row_rule, replaced_by FROM api_keys \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    INSERT = "INSERT INTO api_keys \
        (organization_id, id, project_id, name, lookup, secret_hash, scopes, created_by, created_at, expires_at, \
        allowed_networks, rows_per_day, row_rule) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    REPLACE = "UPDATE api_keys SET replaced_by = $3, expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND replaced_by IS NULL";
    REVOKE = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
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
}

impl KeyRow {
    pub fn scopes(&self) -> Vec<KeyScope> {
        scopes_of(&self.scopes)
    }

    pub fn row_rule(&self) -> Option<RowRule> {
        self.row_rule.clone().map(RowRule::stored)
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

pub async fn revoke(db: &Db, scope: &TenantScope, key_id: Uuid) -> Result<(), AccountError> {
    let revoked = on!(db.write(), pool => sqlx::query(REVOKE)
        .bind(scope.organization_id()).bind(key_id).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("revoke an API key"))?;
    if revoked == 1 { Ok(()) } else { Err(AccountError::NotFound) }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn words_of(scopes: &[KeyScope]) -> String {
    let word = |scope: &KeyScope| match scope {
        KeyScope::Ingest => "ingest",
        KeyScope::Query => "query",
        KeyScope::Admin => "admin",
    };
    scopes.iter().map(word).collect::<Vec<_>>().join(",")
}
