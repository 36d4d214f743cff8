//! The members of the caller's organization.

use super::{AccountError, Accounts, id, member_store};
use crate::auth::{Admin, Member, Viewer};
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use actix_web::web;
use api_types::List;
use api_types::accounts::{Member as MemberView, RoleChange};

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
    path: web::Path<String>,
    body: web::Json<RoleChange>,
) -> Result<web::Json<MemberView>, ApiError> {
    let user_id = id(&path)?;
    member_store::change(&accounts.db, admin.scope(), user_id, Some(body.role), admin.role()).await?;
    accounts.auth.forget_sessions();
    let members = member_store::list(&accounts.db, admin.scope()).await?;
    let changed = members.into_iter().find(|each| each.user_id == user_id.to_string());
    Ok(web::Json(changed.ok_or(AccountError::NotFound)?))
}

/// Removes a member; their sessions in this organization end.
///
/// # Errors
/// 403 when it is about an owner and the caller is none, 404, 409 `last_owner`.
async fn remove(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    member_store::change(&accounts.db, admin.scope(), id(&path)?, None, admin.role()).await?;
    accounts.auth.forget_sessions();
    Ok(NoContent)
}
