//! Projects: separate spaces of logs within the organization.

use super::checked::{Name, refuse_any};
use super::{AccountError, Accounts, id, project_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Viewer};
use crate::config::RETENTIONS_DAYS;
use crate::db::Db;
use crate::erasure;
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::{Project, ProjectChange, ProjectRequest};
use api_types::problem::FieldProblem;
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/projects").get(on_main(list)).post(on_main(create))).service(
        web::resource("/api/v1/projects/{id}")
            .get(on_main(get))
            .patch(on_main(change))
            .delete(on_main(erasure::delete_project)),
    );
}

async fn list(
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<Project>>, ApiError> {
    Ok(web::Json(member.projects(&accounts.db).await?.into()))
}

/// # Errors
/// 409 `project_name_taken`, 422 `invalid`.
async fn create(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<ProjectRequest>,
) -> Result<(web::Json<Project>, StatusCode), ApiError> {
    let name = Name::parse("name", &body.name);
    let retention = retention(body.retention_days.unwrap_or(accounts.settings.default_retention_days));
    refuse_any(&[name.as_ref().err(), retention.as_ref().err()])?;
    let (name, retention) = (name.map_err(InvalidFields::from)?, retention.map_err(InvalidFields::from)?);
    let project = project_store::insert(&accounts.db, admin.scope(), &name, retention).await?;
    let target = Target::of(&project.id, &project.name);
    auditor.record("project.created", target, json!({"retention_days": retention})).await;
    Ok((web::Json(project), StatusCode::CREATED))
}

async fn get(
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
    path: web::Path<String>,
) -> Result<web::Json<Project>, ApiError> {
    let project_id = id(&path)?;
    member.in_project(project_id)?;
    Ok(web::Json(project_store::get(&accounts.db, member.scope(), project_id).await?))
}

/// Renames a project, or keeps its logs for another time; a shorter retention also erases what is older than it by
/// then, a longer one counts for logs that come from then on.
///
/// # Errors
/// 404, 409 `project_name_taken`, 422 `invalid`.
async fn change(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<ProjectChange>,
) -> Result<web::Json<Project>, ApiError> {
    let project_id = id(&path)?;
    let name = body.name.as_deref().map(|name| Name::parse("name", name)).transpose();
    let retention = body.retention_days.map(retention).transpose();
    refuse_any(&[name.as_ref().err(), retention.as_ref().err()])?;
    let (name, retention) = (name.map_err(InvalidFields::from)?, retention.map_err(InvalidFields::from)?);
    project_store::change(&accounts.db, admin.scope(), project_id, name.as_ref(), retention).await?;
    let project = project_store::get(&accounts.db, admin.scope(), project_id).await?;
    let target = Target::of(project_id, &project.name);
    auditor.record("project.changed", target, json!({"retention_days": project.retention_days})).await;
    Ok(web::Json(project))
}

impl Member<Viewer> {
    /// The projects that the caller sees.
    pub(super) async fn projects(&self, db: &Db) -> Result<Vec<Project>, AccountError> {
        project_store::list_for(db, self.scope(), self.role(), self.project_roles()).await
    }
}

fn retention(days: u16) -> Result<u16, FieldProblem> {
    if RETENTIONS_DAYS.contains(&days) {
        return Ok(days);
    }
    let allowed: Vec<String> = RETENTIONS_DAYS.iter().map(ToString::to_string).collect();
    Err(FieldProblem {
        field: "retention_days".into(),
        code: "not_offered".into(),
        detail: format!("Choose one of {} days.", allowed.join(", ")),
    })
}
