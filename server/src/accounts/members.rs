//! The members of the caller's organization.

use super::checked::row_rule;
use super::member_store::Change;
use super::{AccountError, Accounts, id, member_store, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use actix_web::web;
use api_types::List;
use api_types::accounts::{Member as MemberView, MemberChange};
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

/// Gives a member another role, or another row rule.
///
/// # Errors
/// 403 when it is about an owner and the caller is none, 404, 409 `last_owner`, `row_rule_on_admin`, 422 `invalid`.
async fn change(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<MemberChange>,
) -> Result<web::Json<MemberView>, ApiError> {
    let user_id = id(&path)?;
    let row_rule = body.row_rule.as_ref().map(|text| row_rule(text.as_deref())).transpose();
    let change = Change::Set { role: body.role, row_rule: row_rule.map_err(InvalidFields::from)? };
    member_store::change(&accounts.db, admin.scope(), user_id, &change, admin.role()).await?;
    accounts.auth.forget_sessions();
    let members = member_store::list(&accounts.db, admin.scope()).await?;
    let changed = members.into_iter().find(|each| each.user_id == user_id.to_string());
    let changed = changed.ok_or(AccountError::NotFound)?;
    let target = Target::of(user_id, &changed.email);
    if body.role.is_some() {
        auditor.record("member.role_changed", target.clone(), json!({"role": changed.role})).await;
    }
    if body.row_rule.is_some() {
        auditor.record("member.row_rule_changed", target, json!({"row_rule": changed.row_rule})).await;
    }
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
    member_store::change(&accounts.db, admin.scope(), user_id, &Change::Remove, admin.role()).await?;
    auditor.record("member.removed", Target::of(user_id, email), json!({})).await;
    accounts.auth.forget_sessions();
    Ok(NoContent)
}
