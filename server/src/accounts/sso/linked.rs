//! The caller's accounts elsewhere: which are linked, linking another one, taking a link away.
//!
//! Linking is another way into the account, so it is begun by a request of our own pages with the password, and only in an account
//! whose address is confirmed: else who wrote down somebody else's address could leave a door open.

use super::flow::Flow;
use super::identity_store as store;
use crate::accounts::{AccountError, Accounts, id, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::extractors::Person;
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::rfc3339;
use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::accounts::{LinkRequest, LinkStarted, LinkedIdentity, SignInMethods};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/me/identities").get(on_main(list)).post(on_main(begin)))
        .service(web::resource("/api/v1/me/identities/{id}").delete(on_main(unlink)));
}

/// How the caller can sign in.
async fn list(person: Person, accounts: web::Data<Accounts>) -> Result<web::Json<SignInMethods>, ApiError> {
    let user = user_store::by_id(&accounts.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
    let name_of = |provider: &str| {
        let known = accounts.providers.find(provider);
        known.map_or_else(|| provider.to_owned(), |known| known.name.clone())
    };
    let linked = store::list(&accounts.db, person.user_id).await?;
    let items = linked.into_iter().map(|row| LinkedIdentity {
        id: row.id.to_string(),
        name: name_of(&row.provider),
        provider: row.provider,
        email: row.email,
        created_at: rfc3339(row.created_at),
        last_used_at: rfc3339(row.last_used_at),
    });
    Ok(web::Json(SignInMethods { has_password: user.password_hash.is_some(), items: items.collect() }))
}

/// Begins to link an account of a provider: tells where the browser has to go.
///
/// # Errors
/// 404 for a provider that is not set up, 409 `email_unconfirmed`, 422 for a wrong password, 429 `too_many_attempts`,
/// 503 `provider_unreachable`.
async fn begin(
    person: Person,
    accounts: web::Data<Accounts>,
    body: web::Json<LinkRequest>,
) -> Result<Started, ApiError> {
    let LinkRequest { provider, password } = body.into_inner();
    let provider = accounts.providers.find(&provider).ok_or(AccountError::NotFound)?;
    let user = user_store::by_id(&accounts.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
    if user.password_hash.is_some() {
        accounts.check_own_password(person, "password", password.unwrap_or_default()).await?;
    }
    if user.email_verified_at.is_none() {
        return Err(AccountError::EmailUnconfirmed.into());
    }
    let flow = Flow::new(provider.id, "/settings/profile", Some(person.user_id));
    let (url, cookie) = accounts.begin(provider, &flow).await.map_err(|error| {
        tracing::warn!(provider = provider.id, %error, "{} cannot be reached", provider.id);
        AccountError::ProviderUnreachable
    })?;
    Ok(Started { url, cookie })
}

/// Takes a link away.
///
/// # Errors
/// 404, 409 `last_way_in`.
async fn unlink(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let id = id(&path)?;
    store::unlink(&accounts.db, person.user_id, id).await?;
    auditor.record("identity.unlinked", Target::of(id, ""), json!({})).await;
    Ok(NoContent)
}

struct Started {
    url: String,
    cookie: Cookie<'static>,
}

impl Responder for Started {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().cookie(self.cookie).json(LinkStarted { url: self.url })
    }
}
