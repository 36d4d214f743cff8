//! The members of the caller's organization.

use super::{AccountError, Accounts, id, member_store, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Owner, Viewer};
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use actix_web::web;
use api_types::List;
use api_types::accounts::{Member as MemberView, RoleChange, TransferRequest};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/members").get(on_main(list)))
        .service(web::resource("/api/v1/organization/transfer").post(on_main(transfer)))
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

/// Makes another member the owner, and the caller an admin. Asked for with the password: it cannot be taken back.
///
/// # Errors
/// 404, 409 `already_owner`, 422 for a wrong password, 429 `too_many_attempts`.
async fn transfer(
    owner: Member<Owner>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<TransferRequest>,
) -> Result<web::Json<MemberView>, ApiError> {
    let (person, to) = (owner.person()?, id(&body.user_id)?);
    if to == person.user_id {
        return Err(AccountError::AlreadyOwner.into());
    }
    let user = user_store::by_id(&accounts.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
    if user.password_hash.is_some() {
        accounts
            .check_own_password(person, "password", body.into_inner().password.unwrap_or_default())
            .await?;
    }
    member_store::transfer(&accounts.db, owner.scope(), person.user_id, to).await?;
    accounts.auth.forget_sessions();
    let members = member_store::list(&accounts.db, owner.scope()).await?;
    let made =
        members.into_iter().find(|each| each.user_id == to.to_string()).ok_or(AccountError::NotFound)?;
    auditor
        .record("organization.transferred", Target::of(to, &made.email), json!({"from": user.email}))
        .await;
    Ok(web::Json(made))
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
