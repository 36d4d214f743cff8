//! The roles of a member in single projects: who sees a project, who may change things in it.

use super::{AccountError, Accounts, id, member_store, project_role_store as store, project_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member};
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use actix_web::web;
use api_types::List;
use api_types::accounts::{ProjectRole, ProjectRoleOf, Role, SetProjectRoles};
use serde_json::json;
use uuid::Uuid;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/members/{user_id}/projects").get(on_main(list)).put(on_main(set)));
}

/// Where the role of a member differs from the one in the organization.
///
/// # Errors
/// 404.
async fn list(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    path: web::Path<String>,
) -> Result<web::Json<List<ProjectRoleOf>>, ApiError> {
    let (user_id, _) = accounts.member(&admin, &path).await?;
    Ok(web::Json(store::list(&accounts.db, admin.scope(), user_id).await?.into()))
}

/// Replaces the roles that a member has in single projects; everywhere else the one in the organization counts.
///
/// # Errors
/// 404, also for a project that there is not; 409 `role_is_everywhere` for admins and owners; 422 `invalid` for a project named
/// twice.
async fn set(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<SetProjectRoles>,
) -> Result<web::Json<List<ProjectRoleOf>>, ApiError> {
    let (user_id, member) = accounts.member(&admin, &path).await?;
    if member.role >= Role::Admin {
        return Err(AccountError::RoleIsEverywhere.into());
    }
    let mut wanted: Vec<(Uuid, ProjectRole)> = Vec::new();
    for ProjectRoleOf { project_id, role } in &body.items {
        let project_id = id(project_id)?;
        project_store::get(&accounts.db, admin.scope(), project_id).await?;
        if wanted.iter().any(|(known, _)| *known == project_id) {
            return Err(InvalidFields::one("items", "twice", "Name each project once.").into());
        }
        wanted.push((project_id, *role));
    }
    store::replace(&accounts.db, admin.scope(), user_id, &wanted).await?;
    accounts.auth.forget_sessions();
    let target = Target::of(user_id, &member.email);
    auditor.record("member.project_roles_changed", target, json!({"roles": body.items})).await;
    Ok(web::Json(store::list(&accounts.db, admin.scope(), user_id).await?.into()))
}

impl Accounts {
    async fn member(
        &self,
        admin: &Member<Admin>,
        user_id: &str,
    ) -> Result<(Uuid, api_types::accounts::Member), AccountError> {
        let user_id = id(user_id)?;
        let members = member_store::list(&self.db, admin.scope()).await?;
        let member = members.into_iter().find(|each| each.user_id == user_id.to_string());
        Ok((user_id, member.ok_or(AccountError::NotFound)?))
    }
}
