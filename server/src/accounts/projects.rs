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
use crate::usage::plan;
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
    let longest = plan::limits(&accounts.db, &accounts.settings, admin.scope()).await?.retention_days;
    let name = Name::parse("name", &body.name);
    let retention = match body.retention_days {
        Some(days) => retention(days, longest),
        None => Ok(default_within(accounts.settings.default_retention_days, longest)),
    };
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
/// then, a longer one counts for logs that come from then on. One that is longer than the plan allows by now may stay.
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
    let longest = plan::limits(&accounts.db, &accounts.settings, admin.scope()).await?.retention_days;
    let before = project_store::get(&accounts.db, admin.scope(), project_id).await?.retention_days;
    let name = body.name.as_deref().map(|name| Name::parse("name", name)).transpose();
    let retention = body.retention_days.filter(|days| *days != before);
    let retention = retention.map(|days| self::retention(days, longest)).transpose();
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

/// `longest` is what the plan allows; 0 is no limit.
fn retention(days: u16, longest: u64) -> Result<u16, FieldProblem> {
    let allowed = allowed(longest);
    if allowed.contains(&days) {
        return Ok(days);
    }
    let choices = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (code, detail) = if RETENTIONS_DAYS.contains(&days) {
        let ask = "ask the operator of this installation for more";
        (
            "over_plan",
            format!(
                "Your plan keeps logs for at most {longest} days. Choose one of {choices} days, or {ask}."
            ),
        )
    } else {
        ("not_offered", format!("Choose one of {choices} days."))
    };
    Err(FieldProblem { field: "retention_days".into(), code: code.into(), detail })
}

fn allowed(longest: u64) -> Vec<u16> {
    let fits = |days: &u16| longest == 0 || u64::from(*days) <= longest;
    RETENTIONS_DAYS.iter().copied().filter(fits).collect()
}

/// The default, or the longest below it that the plan allows.
fn default_within(default: u16, longest: u64) -> u16 {
    allowed(longest).into_iter().rfind(|days| *days <= default).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_one_of_those_offered_and_within_the_plan() {
        let code = |days, longest| retention(days, longest).err().map(|problem| problem.code);
        assert_eq!(code(365, 0), None);
        assert_eq!(code(14, 14), None);
        assert_eq!(code(30, 14).as_deref(), Some("over_plan"));
        assert_eq!(code(31, 14).as_deref(), Some("not_offered"));
        let told = retention(30, 10).unwrap_err().detail;
        assert!(
            told.contains("at most 10 days") && told.contains("1, 3, 7 days") && told.contains("operator"),
            "{told}"
        );
    }

    #[test]
    fn a_project_that_asks_for_nothing_gets_what_the_plan_allows() {
        assert_eq!(default_within(30, 0), 30);
        assert_eq!(default_within(30, 90), 30);
        assert_eq!(default_within(30, 10), 7);
        assert_eq!(default_within(30, 1), 1);
    }
}
