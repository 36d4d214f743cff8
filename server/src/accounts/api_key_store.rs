//! SQL of API keys.

use super::{AccountError, failed_to};
use crate::auth::api_key::{NewKey, shown_prefix};
use crate::auth::scopes_of;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{ApiKey, KeyScope};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at FROM api_keys \
        WHERE organization_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC";
    GET = "SELECT id, project_id, name, lookup, scopes, created_at, expires_at, last_used_at FROM api_keys \
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
    INSERT = "INSERT INTO api_keys \
        (organization_id, id, project_id, name, lookup, secret_hash, scopes, created_by, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    REVOKE = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
pub struct KeyRow {
    id: Uuid,
    project_id: Uuid,
    name: String,
    pub lookup: String,
    scopes: String,
    created_at: Micros,
    expires_at: Option<Micros>,
    last_used_at: Option<Micros>,
}

impl KeyRow {
    pub fn scopes(&self) -> Vec<KeyScope> {
        scopes_of(&self.scopes)
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
        }
    }
}

pub struct NewRow<'a> {
    pub project_id: Uuid,
    pub name: &'a str,
    pub scopes: &'a [KeyScope],
    pub created_by: Option<Uuid>,
    pub expires_at: Option<Micros>,
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

pub async fn insert(db: &Db, scope: &TenantScope, new: &NewRow<'_>) -> Result<ApiKey, AccountError> {
    let row = KeyRow {
        id: Uuid::now_v7(),
        project_id: new.project_id,
        name: new.name.to_owned(),
        lookup: new.key.lookup.clone(),
        scopes: words_of(new.scopes),
        created_at: now_us(),
        expires_at: new.expires_at,
        last_used_at: None,
    };
    on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(row.id).bind(row.project_id).bind(&row.name).bind(&row.lookup)
        .bind(new.key.secret_hash.to_vec()).bind(&row.scopes).bind(new.created_by)
        .bind(row.created_at).bind(row.expires_at)
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("create an API key"))?;
    Ok(row.into())
}

pub async fn revoke(db: &Db, scope: &TenantScope, key_id: Uuid) -> Result<(), AccountError> {
    let revoked = on!(db.write(), pool => sqlx::query(REVOKE)
        .bind(scope.organization_id()).bind(key_id).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("revoke an API key"))?;
    if revoked == 1 { Ok(()) } else { Err(AccountError::NotFound) }
}

fn words_of(scopes: &[KeyScope]) -> String {
    let word = |scope: &KeyScope| match scope {
        KeyScope::Ingest => "ingest",
        KeyScope::Query => "query",
        KeyScope::Admin => "admin",
    };
    scopes.iter().map(word).collect::<Vec<_>>().join(",")
}
