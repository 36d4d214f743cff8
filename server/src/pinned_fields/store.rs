//! SQL of pinned fields: one row a project.

use crate::auth::AuthError;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use std::sync::Arc;
use uuid::Uuid;

crate::statements! {
    GET = "SELECT fields FROM pinned_fields WHERE organization_id = $1 AND project_id = $2";
    PUT = "INSERT INTO pinned_fields (organization_id, project_id, fields) VALUES ($1, $2, $3) \
        ON CONFLICT (organization_id, project_id) DO UPDATE SET fields = excluded.fields";
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> AuthError {
    // The project may have been deleted a moment ago.
    move |source| match source.as_database_error() {
        Some(error) if error.is_foreign_key_violation() => AuthError::NotFound,
        _ => AuthError::Store { action, source: Arc::new(source) },
    }
}

pub async fn get(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<Vec<String>, AuthError> {
    let row: Option<(String,)> = on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(project_id)
        .fetch_optional(pool).await)
    .map_err(failed_to("read pinned fields"))?;
    // Written by us.
    Ok(row.and_then(|(fields,)| serde_json::from_str(&fields).ok()).unwrap_or_default())
}

pub async fn put(db: &Db, scope: &TenantScope, project_id: Uuid, fields: &[String]) -> Result<(), AuthError> {
    let fields = serde_json::to_string(fields).expect("texts are JSON");
    on!(db.write(), pool => sqlx::query(PUT)
        .bind(scope.organization_id()).bind(project_id).bind(fields)
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("keep pinned fields"))
}
