//! Changing the address with which one signs in: it counts once the link that was mailed to it is followed.

use super::checked::Email;
use super::mail_link_store as store;
use super::mail_links::hash_of;
use super::{AccountError, Accounts, organization_store};
use crate::audit::{Actor, Auditor, Target};
use crate::auth::extractors::Person;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::accounts::{EmailChange, TokenRequest};
use serde_json::{Value, json};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/me/email").post(on_main(ask)))
        .service(web::resource("/api/v1/auth/change-email").post(on_main(confirm)));
}

/// Mails a link to the new address. Whether somebody has it already is told to nobody but who opens that mail.
///
/// # Errors
/// 422 `invalid`: no address, or a wrong password; 429 `too_many_attempts`.
async fn ask(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<EmailChange>,
) -> Result<(web::Json<Value>, StatusCode), ApiError> {
    let EmailChange { email, password } = body.into_inner();
    let email = Email::parse(&email).map_err(InvalidFields::from)?;
    accounts.check_own_password(person, "password", password).await?;
    let key = format!("change {}", person.user_id);
    accounts.limits.resets_of_email.take(&key).await.map_err(AccountError::from)?;
    store::request_change(&accounts.db, person.user_id, &email).await?;
    accounts.links.wake();
    auditor.record("email.change_asked", Target::of(person.user_id, email.as_str()), json!({})).await;
    Ok((web::Json(json!({})), StatusCode::ACCEPTED))
}

/// Changes the address by the mailed link; reset links to the old one stop working.
///
/// # Errors
/// 409 `email_taken`, 422 `link_invalid`.
async fn confirm(
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<TokenRequest>,
) -> Result<NoContent, ApiError> {
    let (user_id, old, new) = store::change_email(&accounts.db, &hash_of(&body.token)).await?;
    if let Ok(organization_id) = organization_store::last_used(&accounts.db, user_id).await {
        let scope = TenantScope::authenticated(organization_id);
        let detail = json!({"before": old});
        let target = Target::of(user_id, new);
        auditor.record_as(scope, Actor::Person(user_id), "email.changed", target, detail).await;
    }
    Ok(NoContent)
}
