//! The caller's own account.

use super::checked::{Name, NewPassword};
use super::{AccountError, Accounts, organization_store, project_store, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::extractors::Person;
use crate::auth::{Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use actix_web::web;
use api_types::accounts::{Me, Organization, ProfileChange};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/me").get(on_main(me)).patch(on_main(change)));
}

/// Who the caller is, where, and what they may do.
async fn me(
    person: Person,
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<Me>, ApiError> {
    let user = user_store::by_id(&accounts.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
    let organizations = organization_store::all_of_user(&accounts.db, person.user_id).await?;
    let organizations: Vec<Organization> = organizations.into_iter().map(Organization::from).collect();
    Ok(web::Json(Me {
        user: user.into(),
        organization: organization_store::get(&accounts.db, member.scope()).await?,
        role: member.role(),
        row_rule: member.sight().rule().map(|rule| rule.as_str().to_owned()),
        organizations,
        projects: project_store::list(&accounts.db, member.scope()).await?,
    }))
}

/// Changes name or password. A new password ends the caller's other sessions.
///
/// # Errors
/// 422 `invalid`: the current password is missing or wrong, or the new one is not good enough.
async fn change(
    person: Person,
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<ProfileChange>,
) -> Result<web::Json<Me>, ApiError> {
    let body = body.into_inner();
    let name = body.name.as_deref().map(|name| Name::parse("name", name)).transpose();
    let name = name.map_err(InvalidFields::from)?;
    if let Some(new) = body.new_password {
        change_password(&accounts, person, body.current_password.unwrap_or_default(), new).await?;
        auditor.record("password.changed", Target::none(), json!({})).await;
    }
    if let Some(name) = name {
        user_store::set_name(&accounts.db, person.user_id, &name).await?;
        auditor.record("profile.changed", Target::none(), json!({"name": name.as_str()})).await;
    }
    me(person, member, accounts).await
}

async fn change_password(
    accounts: &Accounts,
    person: Person,
    current: String,
    new: String,
) -> Result<(), ApiError> {
    let user = user_store::by_id(&accounts.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
    let new = NewPassword::parse("new_password", new, &user.email).map_err(InvalidFields::from)?;
    accounts.check_own_password(person, "current_password", current).await?;
    let hash = accounts.auth.passwords.hash(new.into_secret()).await?;
    user_store::set_password(&accounts.db, person.user_id, &hash, person.session_id).await?;
    accounts.auth.forget_sessions();
    Ok(())
}
