//! Saved searches over HTTP.

use super::SavedSearchError;
use super::definition::Content;
use super::store::{self, Stored};
use crate::auth::{Member, Viewer};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::rfc3339;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::Role;
use api_types::saved_searches::{SavedSearch, SavedSearchRequest};
use serde::Deserialize;
use uuid::Uuid;

const DEFAULT_PAGE: u32 = 200;
const LARGEST_PAGE: u32 = 500;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/saved-searches").get(on_main(list)).post(on_main(create))).service(
        web::resource("/api/v1/saved-searches/{id}")
            .get(on_main(get))
            .patch(on_main(change))
            .delete(on_main(delete)),
    );
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The caller's own searches and all shared ones, newest first.
async fn list(
    member: Member<Viewer>,
    db: web::Data<Db>,
    page: web::Query<PageQuery>,
) -> Result<web::Json<List<SavedSearch>>, ApiError> {
    let size = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE) as usize;
    let before = page.cursor.as_deref().map(|cursor| {
        let detail = "Give the cursor that the page before ended with.";
        Uuid::parse_str(cursor).map_err(|_| InvalidFields::one("cursor", "invalid", detail))
    });
    let mut found =
        store::list(&db, member.scope(), member.user_id(), before.transpose()?, size as i64 + 1).await?;
    let more = found.len() > size;
    found.truncate(size);
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    let seen = found.into_iter().filter(|stored| role_at(&member, &stored.content).is_some());
    let items = seen.map(|stored| shown(&member, stored)).collect();
    Ok(web::Json(List { items, next_cursor }))
}

/// # Errors
/// 404: there is none, or it is somebody else's own.
async fn get(
    member: Member<Viewer>,
    db: web::Data<Db>,
    id: web::Path<String>,
) -> Result<web::Json<SavedSearch>, ApiError> {
    Ok(web::Json(shown(&member, seen(&member, &db, &id).await?)))
}

/// Keeps a search: for oneself, or with `shared` for everybody.
///
/// # Errors
/// - 422 `query_invalid`, `invalid`: it could not be run, or has no name.
/// - 403: shared ones are for editors; an API key keeps shared ones only.
async fn create(
    member: Member<Viewer>,
    db: web::Data<Db>,
    request: web::Json<SavedSearchRequest>,
) -> Result<(web::Json<SavedSearch>, StatusCode), ApiError> {
    let content = Content::default().changed(&request)?;
    let role = role_at(&member, &content).ok_or(SavedSearchError::NotFound)?;
    if content.shared && role < Role::Editor {
        return Err(SavedSearchError::EditorNeeded.into());
    }
    if !content.shared && member.user_id().is_none() {
        return Err(SavedSearchError::PersonNeeded.into());
    }
    let id = store::insert(&db, member.scope(), member.user_id(), &content).await?;
    if let Some(favourite) = request.favourite {
        mark(&member, &db, id, favourite).await?;
    }
    let stored = store::get(&db, member.scope(), member.user_id(), id).await?;
    Ok((web::Json(shown(&member, stored)), StatusCode::CREATED))
}

/// Changes what is given. Who may only see a search may still make it a favourite.
///
/// # Errors
/// As `create`, and 404.
async fn change(
    member: Member<Viewer>,
    db: web::Data<Db>,
    id: web::Path<String>,
    request: web::Json<SavedSearchRequest>,
) -> Result<web::Json<SavedSearch>, ApiError> {
    let stored = seen(&member, &db, &id).await?;
    let SavedSearchRequest { favourite, .. } = &*request;
    let only_favourite = SavedSearchRequest { favourite: *favourite, ..SavedSearchRequest::default() };
    if *request != only_favourite {
        let content = stored.content.clone().changed(&request)?;
        let role = role_at(&member, &content).ok_or(SavedSearchError::NotFound)?;
        if !may_change(&member, &stored) || (content.shared && role < Role::Editor) {
            return Err(SavedSearchError::EditorNeeded.into());
        }
        // What nobody owns would be nobody's to see.
        if !content.shared && (stored.owner_id.is_none() || stored.owner_id != member.user_id()) {
            return Err(SavedSearchError::Invalid(InvalidFields::one(
                "shared",
                "not_yours",
                "Only who made a search can take it back for themselves.",
            ))
            .into());
        }
        store::update(&db, member.scope(), stored.id, &content).await?;
    }
    if let Some(favourite) = *favourite {
        mark(&member, &db, stored.id, favourite).await?;
    }
    let stored = store::get(&db, member.scope(), member.user_id(), stored.id).await?;
    Ok(web::Json(shown(&member, stored)))
}

/// # Errors
/// 403 for somebody else's shared search and no editor, 404.
async fn delete(
    member: Member<Viewer>,
    db: web::Data<Db>,
    id: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let stored = seen(&member, &db, &id).await?;
    if !may_change(&member, &stored) {
        return Err(SavedSearchError::EditorNeeded.into());
    }
    store::delete(&db, member.scope(), stored.id).await?;
    Ok(NoContent)
}

async fn mark(member: &Member<Viewer>, db: &Db, id: Uuid, favourite: bool) -> Result<(), SavedSearchError> {
    let user_id = member.user_id().ok_or(SavedSearchError::PersonNeeded)?;
    store::set_favourite(db, member.scope(), id, user_id, favourite).await
}

/// One that the caller sees: its own or shared, and of no project that is closed to them.
async fn seen(member: &Member<Viewer>, db: &Db, id: &str) -> Result<Stored, SavedSearchError> {
    let stored = store::get(db, member.scope(), member.user_id(), id_of(id)?).await?;
    role_at(member, &stored.content).map(|_| stored).ok_or(SavedSearchError::NotFound)
}

/// The caller's role where the search looks: in its project, or in the organization when it names none.
fn role_at(member: &Member<Viewer>, content: &Content) -> Option<Role> {
    match content.project_id {
        Some(project_id) => member.project_roles().in_project(member.role(), project_id),
        None => Some(member.role()),
    }
}

fn may_change(member: &Member<Viewer>, stored: &Stored) -> bool {
    let is_owner = stored.owner_id.is_some() && stored.owner_id == member.user_id();
    let is_editor = role_at(member, &stored.content).is_some_and(|role| role >= Role::Editor);
    is_owner || (stored.content.shared && is_editor)
}

fn id_of(text: &str) -> Result<Uuid, SavedSearchError> {
    Uuid::parse_str(text).map_err(|_| SavedSearchError::NotFound)
}

fn shown(member: &Member<Viewer>, stored: Stored) -> SavedSearch {
    let editable = may_change(member, &stored);
    let Stored { id, owner_id, content, favourite, created_at, updated_at } = stored;
    SavedSearch {
        id: id.to_string(),
        name: content.name,
        folder: content.folder,
        query: content.definition.query,
        columns: content.definition.columns,
        from: content.definition.from,
        to: content.definition.to,
        project_id: content.project_id.map(|id| id.to_string()),
        shared: content.shared,
        favourite,
        created_by: owner_id.map(|id| id.to_string()),
        editable,
        created_at: rfc3339(created_at),
        updated_at: rfc3339(updated_at),
    }
}
