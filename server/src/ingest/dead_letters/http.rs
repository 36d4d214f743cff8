//! `/api/v1/dead-letters`: list, read, replay, delete.

use super::seen::Seen;
use super::{Filter, Kept, Selection, replay};
use crate::audit::{Auditor, Cost, Read};
use crate::auth::{Editor, Member, Viewer};
use crate::error::{ApiError, InvalidFields, Refused};
use crate::ingest::Ingest;
use crate::runtime::on_main;
use crate::search::one_by_one::Question;
use crate::sight::Sight;
use crate::time::{now_us, rfc3339};
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::ingest::{DeadLetter, DeadLetterSelection, DeletedAnswer, ReplayAnswer};
use serde::Deserialize;
use uuid::Uuid;

const PAGE: u32 = 100;
const LONGEST_PAGE: u32 = 1000;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/dead-letters").get(on_main(list)).delete(on_main(delete_selected)))
        .service(web::resource("/api/v1/dead-letters/replay").post(on_main(replay_selected)))
        .service(web::resource("/api/v1/dead-letters/{id}").get(on_main(read)).delete(on_main(delete_one)))
        .service(web::resource("/api/v1/dead-letters/{id}/replay").post(on_main(replay_one)));
}

#[derive(Debug, Deserialize)]
pub struct ListQuery {
    project_id: Option<String>,
    code: Option<String>,
    /// The search language, asked of each letter alone; `code` and `reason` are fields too.
    query: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Lists the organization's dead letters, newest first.
///
/// # Errors
/// - 422 `invalid`: the cursor is not one of ours.
/// - 422 `query_invalid`: the query does not compile, or has a stage that needs more than one event.
pub async fn list(
    member: Member<Viewer>,
    query: web::Query<ListQuery>,
    ingest: web::Data<Ingest>,
    auditor: Auditor,
) -> Result<web::Json<List<DeadLetter>>, ApiError> {
    let filter = Filter { project_id: project_of(query.project_id.as_deref())?, code: query.code.clone() };
    let limit = query.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let before = match &query.cursor {
        None => Uuid::max(),
        Some(cursor) => Uuid::parse_str(cursor).map_err(|_| {
            InvalidFields::one("cursor", "invalid_cursor", "Use the next_cursor of an answer.")
        })?,
    };
    let seen = Seen::by(&member.sight(), now_us() * 1000)?;
    let source = query.query.as_deref().unwrap_or_default();
    auditor.read_logs(read_of(filter.project_id, source, None)).await;
    if !source.trim().is_empty() || !seen.is_everything() {
        // Letters are judged by `seen`: as events, and not as the query sees them.
        let question = Question::parse(&Sight::whole(*member.scope()), source, None, now_us() * 1000)?;
        let letters = ingest.dead_letters();
        let asked = (&question, &seen);
        let found = letters.search(member.scope(), &filter, asked, before, limit as usize).await?;
        let next_cursor = found.next.map(|id| id.to_string());
        return Ok(web::Json(List { items: found.letters.into_iter().map(view).collect(), next_cursor }));
    }
    let mut kept = ingest.dead_letters().page(member.scope(), &filter, before, limit + 1).await?;
    let more = kept.len() > limit as usize;
    kept.truncate(limit as usize);
    let next_cursor = kept.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(web::Json(List { items: kept.into_iter().map(view).collect(), next_cursor }))
}

/// # Errors
/// - 404 the organization has no such dead letter.
pub async fn read(
    member: Member<Viewer>,
    id: web::Path<Uuid>,
    ingest: web::Data<Ingest>,
    auditor: Auditor,
) -> Result<web::Json<DeadLetter>, ApiError> {
    let seen = Seen::by(&member.sight(), now_us() * 1000)?;
    let kept = ingest.dead_letters().one(member.scope(), *id).await?.filter(|kept| seen.shows(kept));
    let kept = kept.ok_or_else(Refused::not_found)?;
    auditor.read_logs(read_of(Some(kept.project_id), "", Some(("letter", id.to_string())))).await;
    Ok(web::Json(view(kept)))
}

/// What the audit log is told: letters are events, only not stored ones.
fn read_of(project_id: Option<Uuid>, query: &str, about: Option<(&'static str, String)>) -> Read {
    Read {
        kind: "dead-letters",
        project_id: project_id.map(|id| id.to_string()).unwrap_or_default(),
        query: query.to_owned(),
        about,
        range_ns: None,
        cost: Cost::default(),
    }
}

/// Sends the originals through ingest again. What is rejected again stays, with the new reason.
///
/// # Errors
/// - 422 `invalid`: neither ids nor `all`.
/// - 503 no room for the events now: those not replayed yet are still dead letters.
pub async fn replay_selected(
    editor: Member<Editor>,
    body: web::Json<DeadLetterSelection>,
    ingest: web::Data<Ingest>,
) -> Result<web::Json<ReplayAnswer>, ApiError> {
    let selection = selection_of(body.into_inner())?;
    Ok(web::Json(replay::replay(&ingest, editor.scope(), &selection).await?))
}

/// # Errors
/// As `replay_selected`, and 404 when there is no such dead letter.
pub async fn replay_one(
    editor: Member<Editor>,
    id: web::Path<Uuid>,
    ingest: web::Data<Ingest>,
) -> Result<web::Json<ReplayAnswer>, ApiError> {
    let answer = replay::replay(&ingest, editor.scope(), &Selection::Some(vec![*id])).await?;
    if answer == ReplayAnswer::default() {
        return Err(Refused::not_found().into());
    }
    Ok(web::Json(answer))
}

#[derive(Debug, Deserialize)]
pub struct DeleteQuery {
    /// Comma-separated.
    ids: Option<String>,
    #[serde(default)]
    all: bool,
    project_id: Option<String>,
    code: Option<String>,
}

/// Deletes `?ids=…`, or with `?all=true` those of a project or with a code, or all.
///
/// # Errors
/// - 422 `invalid`: neither ids nor `all=true`.
pub async fn delete_selected(
    editor: Member<Editor>,
    query: web::Query<DeleteQuery>,
    ingest: web::Data<Ingest>,
) -> Result<web::Json<DeletedAnswer>, ApiError> {
    let DeleteQuery { ids, all, project_id, code } = query.into_inner();
    let ids = ids.unwrap_or_default().split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let selection = selection_of(DeadLetterSelection { ids, all, project_id, code })?;
    let deleted = ingest.dead_letters().delete(editor.scope(), &selection).await?;
    Ok(web::Json(DeletedAnswer { deleted }))
}

/// # Errors
/// - 404 the organization has no such dead letter.
pub async fn delete_one(
    editor: Member<Editor>,
    id: web::Path<Uuid>,
    ingest: web::Data<Ingest>,
) -> Result<(web::Json<()>, StatusCode), ApiError> {
    match ingest.dead_letters().delete(editor.scope(), &Selection::Some(vec![*id])).await? {
        0 => Err(Refused::not_found().into()),
        _ => Ok((web::Json(()), StatusCode::NO_CONTENT)),
    }
}

fn selection_of(wanted: DeadLetterSelection) -> Result<Selection, ApiError> {
    if wanted.ids.is_empty() && !wanted.all {
        return Err(
            InvalidFields::one("ids", "required", "Give ids, or all = true to mean all of them.").into()
        );
    }
    if wanted.ids.is_empty() {
        let project_id = project_of(wanted.project_id.as_deref())?;
        return Ok(Selection::All(Filter { project_id, code: wanted.code }));
    }
    // An id that is not even one belongs to nobody: it is as absent as a wrong one.
    Ok(Selection::Some(wanted.ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect()))
}

fn project_of(text: Option<&str>) -> Result<Option<Uuid>, ApiError> {
    let parsed = text.map(Uuid::parse_str).transpose();
    parsed.map_err(|_| InvalidFields::one("project_id", "invalid_id", "A project's id is a UUID.").into())
}

fn view(kept: Kept) -> DeadLetter {
    let event = serde_json::from_slice::<serde_json::Value>(&kept.original).ok();
    DeadLetter {
        id: kept.id.to_string(),
        project_id: kept.project_id.to_string(),
        received_at: rfc3339(kept.received_at),
        code: kept.code,
        reason: kept.reason,
        original: String::from_utf8_lossy(&kept.original).into_owned(),
        source: event.and_then(|event| event.get("source")?.as_str().map(str::to_owned)),
    }
}
