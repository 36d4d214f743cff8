//! `GET, POST /api/v1/annotations` and `DELETE /api/v1/annotations/{id}`.

use super::AnnotationError;
use super::store::{self, New, Window};
use crate::auth::{Auth, Editor, Member, Viewer};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::search::time_range::{Asked, TimeRange};
use crate::time::now_us;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::Role;
use api_types::annotations::{Annotation, AnnotationKind, AnnotationRequest};
use api_types::search::TimeInput;
use serde::Deserialize;
use uuid::Uuid;

const TITLE_CHARACTERS: usize = 200;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/annotations").get(on_main(list)).post(on_main(create)))
        .service(web::resource("/api/v1/annotations/{id}").delete(on_main(delete)));
}

#[derive(Debug, Deserialize)]
struct Wanted {
    project_id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    now: Option<f64>,
}

/// What happened in a range, newest first: annotations of the project and of all projects, and its alerts.
///
/// # Errors
/// 404 for a project that is none, 422 `invalid` for a range that is none.
async fn list(
    member: Member<Viewer>,
    auth: web::Data<Auth>,
    db: web::Data<Db>,
    wanted: web::Query<Wanted>,
) -> Result<web::Json<List<Annotation>>, ApiError> {
    let Some(project_id) = &wanted.project_id else {
        return Err(InvalidFields::one("project_id", "required", "Say which project's.").into());
    };
    let project_id = project_of(project_id)?;
    if !auth.project_exists(member.scope(), project_id).await? {
        return Err(AnnotationError::NoSuchProject.into());
    }
    let text = |text: &Option<String>| text.as_deref().map(TimeInput::from);
    let (from, to, now) = (text(&wanted.from), text(&wanted.to), wanted.now.map(TimeInput::Number));
    let asked = Asked { from: from.as_ref(), to: to.as_ref(), now: now.as_ref(), zone: None };
    let range = TimeRange::parse(asked, now_us() * 1_000)?;
    let window = Window { project_id, from_us: range.from_ns / 1_000, to_us: range.to_ns / 1_000 };
    let may_edit = member.role() >= Role::Editor;
    let found = store::list(&db, member.scope(), &window, may_edit).await?;
    Ok(web::Json(found.into()))
}

/// Records a deployment or a note.
///
/// # Errors
/// 404 for a project that is none, 422 `invalid`.
async fn create(
    editor: Member<Editor>,
    db: web::Data<Db>,
    request: web::Json<AnnotationRequest>,
) -> Result<(web::Json<Annotation>, StatusCode), ApiError> {
    let new = checked(&request)?;
    let made = store::insert(&db, editor.scope(), editor.user_id(), new).await?;
    Ok((web::Json(made), StatusCode::CREATED))
}

/// # Errors
/// 404.
async fn delete(
    editor: Member<Editor>,
    db: web::Data<Db>,
    id: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let id = Uuid::parse_str(&id).map_err(|_| AnnotationError::NotFound)?;
    store::delete(&db, editor.scope(), id).await?;
    Ok(NoContent)
}

fn project_of(id: &str) -> Result<Uuid, AnnotationError> {
    Uuid::parse_str(id).map_err(|_| AnnotationError::NoSuchProject)
}

fn checked(request: &AnnotationRequest) -> Result<New, AnnotationError> {
    let title = request.title.trim();
    if title.is_empty() {
        return Err(InvalidFields::one("title", "required", "Say what happened.").into());
    }
    if title.chars().count() > TITLE_CHARACTERS {
        return Err(InvalidFields::one("title", "too_long", "At most 200 characters.").into());
    }
    let kind = request.kind.unwrap_or(AnnotationKind::Note);
    if kind == AnnotationKind::Alert {
        let detail = "Record a `deployment` or a `note`; alerts come by themselves.";
        return Err(InvalidFields::one("kind", "invalid", detail).into());
    }
    let now_us = now_us();
    let at_us = match &request.at {
        None => now_us,
        Some(at) => {
            TimeRange::instant(at, now_us * 1_000)
                .map_err(|detail| InvalidFields::one("at", "invalid_time", &detail))?
                / 1_000
        }
    };
    let project_id = request.project_id.as_deref().map(project_of).transpose()?;
    Ok(New { kind, title: title.to_owned(), at_us, project_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(title: &str) -> AnnotationRequest {
        AnnotationRequest { title: title.into(), kind: None, at: None, project_id: None }
    }

    #[test]
    fn an_annotation_says_what_happened_and_when() {
        let at = Some(TimeInput::from("2026-03-10T10:00:00Z"));
        let new = checked(&AnnotationRequest { at, ..request(" v42 ") }).unwrap();
        assert_eq!((new.title.as_str(), new.at_us), ("v42", 1_773_136_800_000_000));
        assert!(checked(&request("  ")).is_err());
        assert!(checked(&request(&"x".repeat(201))).is_err());
        let alert = AnnotationRequest { kind: Some(AnnotationKind::Alert), ..request("x") };
        assert!(checked(&alert).is_err());
        assert!(checked(&AnnotationRequest { at: Some("sometime".into()), ..request("x") }).is_err());
    }
}
