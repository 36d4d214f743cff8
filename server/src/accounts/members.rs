//! The members of the caller's organization.

use super::{AccountError, Accounts, id, member_store, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Viewer};
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use actix_web::web;
use api_types::List;
use api_types::accounts::{Member as MemberView, RoleChange};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/members").get(on_main(list)))
        .service(web::resource("/api/v1/members/{user_id}").patch(on_main(change)).delete(on_main(remove)));
}

async fn list(
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<MemberView>>, ApiError> {
    Ok(web::Json(member_store::list(&accounts.db, member.scope()).await?.into()))
}

/// Gives a member another role.
///
/// # Errors
/// 403 when it is about an owner and the caller is none, 404, 409 `last_owner`.
async fn change(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<RoleChange>,
) -> Result<web::Json<MemberView>, ApiError> {
    let user_id = id(&path)?;
    member_store::change(&accounts.db, admin.scope(), user_id, Some(body.role), admin.role()).await?;
    accounts.auth.forget_sessions();
    let members = member_store::list(&accounts.db, admin.scope()).await?;
    let changed = members.into_iter().find(|each| each.user_id == user_id.to_string());
    let changed = changed.ok_or(AccountError::NotFound)?;
    let target = Target::of(user_id, &changed.email);
    auditor.record("member.role_changed", target, json!({"role": changed.role})).await;
    Ok(web::Json(changed))
}

/// Removes a member; their sessions in this organization end.
///
/// # Errors
/// 403 when it is about an owner and the caller is none, 404, 409 `last_owner`.
async fn remove(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let user_id = id(&path)?;
    let email = user_store::by_id(&accounts.db, user_id).await?.map(|user| user.email).unwrap_or_default();
    member_store::change(&accounts.db, admin.scope(), user_id, None, admin.role()).await?;
    auditor.record("member.removed", Target::of(user_id, email), json!({})).await;
    accounts.auth.forget_sessions();
    Ok(NoContent)
}
