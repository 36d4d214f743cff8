//! SQL of saved searches. A reader is a user, or nobody in particular: then only shared ones are there.

use super::SavedSearchError;
use super::definition::{Content, Definition};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT s.id, s.owner_id, s.project_id, s.name, s.folder, s.definition, s.shared, s.created_at, s.updated_at, \
        f.user_id AS favourite_of \
        FROM saved_searches s LEFT JOIN saved_search_favourites f ON f.saved_search_id = s.id AND f.user_id = $2 \
        WHERE s.organization_id = $1 AND (s.shared OR s.owner_id = $2) AND s.id < $3 ORDER BY s.id DESC LIMIT $4";
    GET = "SELECT s.id, s.owner_id, s.project_id, s.name, s.folder, s.definition, s.shared, s.created_at, s.updated_at, \
        f.user_id AS favourite_of \
        FROM saved_searches s LEFT JOIN saved_search_favourites f ON f.saved_search_id = s.id AND f.user_id = $2 \
        WHERE s.organization_id = $1 AND (s.shared OR s.owner_id = $2) AND s.id = $3";
    INSERT = "INSERT INTO saved_searches \
        (organization_id, id, owner_id, project_id, name, folder, definition, shared, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    UPDATE = "UPDATE saved_searches SET project_id = $3, name = $4, folder = $5, definition = $6, shared = $7, updated_at = $8 \
        WHERE organization_id = $1 AND id = $2";
    DELETE = "DELETE FROM saved_searches WHERE organization_id = $1 AND id = $2";
    ADD_FAVOURITE = "INSERT INTO saved_search_favourites (organization_id, saved_search_id, user_id) VALUES ($1, $2, $3) \
        ON CONFLICT DO NOTHING";
    REMOVE_FAVOURITE = "DELETE FROM saved_search_favourites \
        WHERE organization_id = $1 AND saved_search_id = $2 AND user_id = $3";
}

#[derive(Debug, Clone)]
pub struct Stored {
    pub id: Uuid,
    pub owner_id: Option<Uuid>,
    pub content: Content,
    pub favourite: bool,
    pub created_at: Micros,
    pub updated_at: Micros,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    owner_id: Option<Uuid>,
    project_id: Option<Uuid>,
    name: String,
    folder: String,
    definition: String,
    shared: bool,
    created_at: Micros,
    updated_at: Micros,
    favourite_of: Option<Uuid>,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            owner_id: row.owner_id,
            content: Content {
                name: row.name,
                folder: row.folder,
                // Written by us, and every member may be absent.
                definition: serde_json::from_str::<Definition>(&row.definition).unwrap_or_default(),
                project_id: row.project_id,
                shared: row.shared,
            },
            favourite: row.favourite_of.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> SavedSearchError {
    move |source| match source.as_database_error() {
        Some(error) if error.is_foreign_key_violation() => SavedSearchError::NoSuchProject,
        _ => SavedSearchError::Store { action, source },
    }
}

/// What a reader sees, newest first, beginning after the search `before`.
pub async fn list(
    db: &Db,
    scope: &TenantScope,
    reader: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Stored>, SavedSearchError> {
    let rows: Vec<Row> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).bind(reader.unwrap_or(Uuid::nil()))
        .bind(before.unwrap_or(Uuid::max())).bind(limit)
        .fetch_all(pool).await)
    .map_err(failed_to("list saved searches"))?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// # Errors
/// `NotFound`, also for somebody else's own.
pub async fn get(
    db: &Db,
    scope: &TenantScope,
    reader: Option<Uuid>,
    id: Uuid,
) -> Result<Stored, SavedSearchError> {
    let row: Option<Row> = on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(reader.unwrap_or(Uuid::nil())).bind(id)
        .fetch_optional(pool).await)
    .map_err(failed_to("read a saved search"))?;
    row.map(Stored::from).ok_or(SavedSearchError::NotFound)
}

/// Returns the id of the new search.
pub async fn insert(
    db: &Db,
    scope: &TenantScope,
    owner: Option<Uuid>,
    content: &Content,
) -> Result<Uuid, SavedSearchError> {
    let id = Uuid::now_v7();
    on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(id).bind(owner).bind(content.project_id)
        .bind(&content.name).bind(&content.folder).bind(json_of(&content.definition)).bind(content.shared)
        .bind(now_us())
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("keep a search"))?;
    Ok(id)
}

pub async fn update(
    db: &Db,
    scope: &TenantScope,
    id: Uuid,
    content: &Content,
) -> Result<(), SavedSearchError> {
    let changed = on!(db.write(), pool => sqlx::query(UPDATE)
        .bind(scope.organization_id()).bind(id).bind(content.project_id)
        .bind(&content.name).bind(&content.folder).bind(json_of(&content.definition)).bind(content.shared)
        .bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("change a saved search"))?;
    if changed == 0 { Err(SavedSearchError::NotFound) } else { Ok(()) }
}

pub async fn delete(db: &Db, scope: &TenantScope, id: Uuid) -> Result<(), SavedSearchError> {
    let deleted = on!(db.write(), pool => sqlx::query(DELETE)
        .bind(scope.organization_id()).bind(id)
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("delete a saved search"))?;
    if deleted == 0 { Err(SavedSearchError::NotFound) } else { Ok(()) }
}

pub async fn set_favourite(
    db: &Db,
    scope: &TenantScope,
    id: Uuid,
    user_id: Uuid,
    favourite: bool,
) -> Result<(), SavedSearchError> {
    let statement = if favourite { ADD_FAVOURITE } else { REMOVE_FAVOURITE };
    on!(db.write(), pool => sqlx::query(statement)
        .bind(scope.organization_id()).bind(id).bind(user_id)
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("mark a saved search"))
}

fn json_of(definition: &Definition) -> String {
    serde_json::to_string(definition).expect("texts and numbers are JSON")
}
