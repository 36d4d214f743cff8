//! The way of a login elsewhere: to the provider, back with a code, and into a session. The browser is moved along by redirects, so
//! whatever fails leads to a page that says why.

use super::flow::{Brought, Flow, OfOurPages, Pending, flow_cookie, pending_cookie};
use super::identity_store::{self as store, Link};
use super::{Identity, Provider, ProviderError};
use crate::accounts::checked::{Email, Name, refuse_any};
use crate::accounts::invitation_store::{self, Joining};
use crate::accounts::mail_links::hash_of;
use crate::accounts::sign_in::SignedIn;
use crate::accounts::user_store::{self, NewAccount, UserRow};
use crate::accounts::{AccountError, Accounts, invitations, organization_store, session_store};
use crate::audit::{Actor, Auditor, Target};
use crate::auth::extractors::Person;
use crate::client::Client;
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::List;
use api_types::accounts::{SsoFinish, SsoNeeds, SsoPending, SsoProvider};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/auth/sso").get(on_main(list)))
        .service(web::resource("/api/v1/auth/sso/pending").get(on_main(pending)))
        .service(web::resource("/api/v1/auth/sso/finish").post(on_main(finish)))
        .service(web::resource("/api/v1/auth/sso/{provider}/start").get(on_main(start)))
        .service(web::resource("/api/v1/auth/sso/{provider}/callback").get(on_main(callback)));
}

/// Why a login elsewhere led nowhere. The page that shows it has the words.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the answer does not belong to a login that this browser began")]
    StateLost,
    #[error("it was cancelled at the provider")]
    Cancelled,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the provider has not confirmed an address")]
    EmailUnverified,
    #[error("the address of the account here was never confirmed")]
    AccountUnconfirmed,
    #[error("the identity belongs to another account")]
    Taken,
    #[error("whoever began to link is not signed in any more")]
    SignedOut,
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl Failed {
    fn code(&self) -> &'static str {
        match self {
            Self::StateLost => "state_lost",
            Self::Cancelled => "cancelled",
            Self::Provider(ProviderError::Outbound(_)) => "provider_unreachable",
            Self::Provider(_) => "provider_failed",
            Self::EmailUnverified => "email_unverified",
            Self::AccountUnconfirmed => "account_unconfirmed",
            Self::Taken => "identity_taken",
            Self::SignedOut => "signed_out",
            Self::Account(AccountError::TooManyAttempts { .. }) => "too_many_attempts",
            Self::Account(AccountError::NoOrganization) => "no_organization",
            Self::Account(AccountError::SignupClosed) => "signup_closed",
            Self::Account(_) => "unavailable",
        }
    }
}

/// The providers by which people may sign in.
async fn list(accounts: web::Data<Accounts>) -> web::Json<List<SsoProvider>> {
    let shown = |each: &Provider| SsoProvider { id: each.id.to_owned(), name: each.name.clone() };
    web::Json(accounts.providers.0.iter().map(shown).collect::<Vec<_>>().into())
}

#[derive(Deserialize)]
struct StartQuery {
    #[serde(default)]
    next: String,
}

/// Sends the browser to the provider; from another site to the login page, where one can decide.
///
/// # Errors
/// 404 for a provider that is not set up.
async fn start(
    accounts: web::Data<Accounts>,
    ours: OfOurPages,
    path: web::Path<String>,
    query: web::Query<StartQuery>,
) -> Result<Redirect, ApiError> {
    let provider = accounts.providers.find(&path).ok_or(AccountError::NotFound)?;
    if !ours.0 {
        return Ok(Redirect { address: "/login".into(), cookies: Vec::new() });
    }
    let flow = Flow::new(provider.id, &query.next, None);
    Ok(match accounts.begin(provider, &flow).await {
        Ok((address, cookie)) => Redirect { address, cookies: vec![cookie] },
        Err(error) => accounts.failed(provider.id, None, &error.into()),
    })
}

#[derive(Deserialize)]
struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Where the provider sends the browser back to.
async fn callback(
    person: Option<Person>,
    accounts: web::Data<Accounts>,
    client: Client,
    auditor: Auditor,
    brought: Brought,
    path: web::Path<String>,
    query: web::Query<CallbackQuery>,
) -> Result<Redirect, ApiError> {
    let provider = accounts.providers.find(&path).ok_or(AccountError::NotFound)?;
    let flow = brought.flow(&accounts.sealer);
    let Some(flow) = flow
        .filter(|flow| query.state.as_deref().is_some_and(|state| flow.is_answered_by(provider.id, state)))
    else {
        return Ok(accounts.failed(provider.id, None, &Failed::StateLost));
    };
    let visit = Visit { provider, flow: &flow, person, client: &client, auditor: &auditor };
    let arrived = match accounts.identity(&visit, query.into_inner()).await {
        Ok(identity) => accounts.arrive(&visit, &identity).await,
        Err(failed) => Err(failed),
    };
    Ok(arrived.unwrap_or_else(|failed| accounts.failed(provider.id, flow.linking, &failed)))
}

/// One browser that comes back.
struct Visit<'a> {
    provider: &'a Provider,
    flow: &'a Flow,
    person: Option<Person>,
    client: &'a Client,
    auditor: &'a Auditor,
}

/// Whom a login elsewhere has brought, while something is missing.
///
/// # Errors
/// 401 `sso_over`.
async fn pending(accounts: web::Data<Accounts>, brought: Brought) -> Result<web::Json<SsoPending>, ApiError> {
    let pending = brought.pending(&accounts.sealer).ok_or(AccountError::SsoOver)?;
    let identity = pending.identity();
    let provider = accounts.providers.find(&pending.provider).ok_or(AccountError::SsoOver)?;
    Ok(web::Json(SsoPending {
        provider: provider.name.clone(),
        email: identity.email.map(|email| email.as_str().to_owned()).unwrap_or_default(),
        name: identity.name,
        needs: if pending.user_id.is_some() { SsoNeeds::Code } else { SsoNeeds::Account },
        next: pending.next,
    }))
}

/// Gives what was missing: the code of the second factor, or for somebody new an organization or an invitation.
///
/// # Errors
/// 401 `sso_over`, `second_factor_required`, `second_factor_wrong`; 403 `signup_closed`; 409 `email_taken`; 422 `invalid`,
/// `link_invalid`; 429 `too_many_attempts`.
async fn finish(
    accounts: web::Data<Accounts>,
    client: Client,
    auditor: Auditor,
    brought: Brought,
    body: web::Json<SsoFinish>,
) -> Result<SignedIn, ApiError> {
    let pending = brought.pending(&accounts.sealer).ok_or(AccountError::SsoOver)?;
    let (identity, body) = (pending.identity(), body.into_inner());
    let signed_in = match pending.user_id {
        Some(user_id) => {
            let user = user_store::by_id(&accounts.db, user_id).await?.ok_or(AccountError::SsoOver)?;
            accounts.check_code(&user, body.code.as_deref(), &auditor).await?;
            accounts.enter(&pending.provider, &identity, &user, &client, &auditor).await?
        }
        None => {
            let email = identity.email.clone().ok_or(AccountError::SsoOver)?;
            let (user_id, organization_id) =
                accounts.make_account(&pending, &email, body, &client, &auditor).await?;
            accounts.linked(&pending.provider, &identity, user_id, organization_id, &auditor).await?;
            let token = session_store::open(&accounts.db, user_id, organization_id, &client).await?;
            accounts.signed_in(user_id, organization_id, token).await?.with_status(StatusCode::CREATED)
        }
    };
    Ok(signed_in.with_cookie(accounts.auth.cookies.sso("", 0)))
}

impl Accounts {
    /// The provider's login page, and the cookie by which its answer is known again.
    pub(super) async fn begin(
        &self,
        provider: &Provider,
        flow: &Flow,
    ) -> Result<(String, Cookie<'static>), ProviderError> {
        let address = provider.address(&flow.challenge(&self.redirect_uri(provider))).await?;
        Ok((address.into(), flow_cookie(&self.auth, &self.sealer, flow)))
    }

    fn redirect_uri(&self, provider: &Provider) -> String {
        format!("{}/api/v1/auth/sso/{}/callback", self.settings.public_url(), provider.id)
    }

    fn failed(&self, provider: &str, linking: Option<Uuid>, failed: &Failed) -> Redirect {
        tracing::warn!(provider, error = %failed, "a login by {provider} led nowhere");
        let page = if linking.is_some() { "/settings/profile" } else { "/login" };
        let address = format!("{page}?sso={}", failed.code());
        Redirect { address, cookies: vec![self.auth.cookies.sso("", 0)] }
    }

    /// Who it is, by the provider's answer.
    async fn identity(&self, visit: &Visit<'_>, answer: CallbackQuery) -> Result<Identity, Failed> {
        if answer.error.as_deref() == Some("access_denied") {
            return Err(Failed::Cancelled);
        }
        if let Some(error) = answer.error {
            let error: String = error.chars().filter(|it| !it.is_control()).take(100).collect();
            return Err(ProviderError::Answer(error).into());
        }
        if answer.iss.is_some() && answer.iss.as_deref() != visit.provider.issuer() {
            return Err(Failed::StateLost);
        }
        let code = answer.code.ok_or(Failed::StateLost)?;
        self.limits.sso.take(&visit.client.address).await.map_err(AccountError::from)?;
        let redirect_uri = self.redirect_uri(visit.provider);
        let identity = visit.provider.identity(&code, &visit.flow.challenge(&redirect_uri)).await?;
        self.limits.sso.give_back(&visit.client.address).await;
        Ok(identity)
    }

    async fn arrive(&self, visit: &Visit<'_>, identity: &Identity) -> Result<Redirect, Failed> {
        if let Some(user_id) = visit.flow.linking {
            return self.link(visit, identity, user_id).await;
        }
        let user = self.account_of(identity).await?;
        let needs_code = match &user {
            Some(user) => self.has_second_factor(user.id).await?,
            None if !self.settings.signup_open && !visit.flow.next.starts_with("/invite?") => {
                return Err(AccountError::SignupClosed.into());
            }
            None => false,
        };
        let Some(user) = user.as_ref().filter(|_| !needs_code) else {
            let pending = Pending::new(visit.flow, identity, user.map(|user| user.id));
            let cookies = vec![pending_cookie(&self.auth, &self.sealer, &pending)];
            return Ok(Redirect { address: "/sso".into(), cookies });
        };
        let signed_in = self.enter(visit.provider.id, identity, user, visit.client, visit.auditor).await?;
        let mut cookies = signed_in.into_cookies();
        cookies.push(self.auth.cookies.sso("", 0));
        Ok(Redirect { address: visit.flow.next.clone(), cookies })
    }

    /// The account that is linked, or has the same address confirmed on both sides.
    async fn account_of(&self, identity: &Identity) -> Result<Option<UserRow>, Failed> {
        if let Some(user_id) = store::user_of(&self.db, identity).await? {
            return Ok(user_store::by_id(&self.db, user_id).await?);
        }
        let email = identity.email.as_ref().ok_or(Failed::EmailUnverified)?;
        let user = user_store::by_email(&self.db, email).await?;
        if user.as_ref().is_some_and(|user| user.email_verified_at.is_none()) {
            return Err(Failed::AccountUnconfirmed);
        }
        Ok(user)
    }

    /// Adds the identity to the account of who is signed in and asked for it.
    async fn link(&self, visit: &Visit<'_>, identity: &Identity, user_id: Uuid) -> Result<Redirect, Failed> {
        if visit.person.is_none_or(|person| person.user_id != user_id) {
            return Err(Failed::SignedOut);
        }
        if identity.email.is_none() {
            return Err(Failed::EmailUnverified);
        }
        match store::link(&self.db, visit.provider.id, identity, user_id).await? {
            Link::OfAnother => return Err(Failed::Taken),
            Link::Known => {}
            Link::New(id) => {
                visit
                    .auditor
                    .record("identity.linked", target(id, identity), json!({"provider": visit.provider.id}))
                    .await
            }
        }
        let cookies = vec![self.auth.cookies.sso("", 0)];
        Ok(Redirect { address: "/settings/profile?sso=linked".into(), cookies })
    }

    /// Opens a session for an account; its identity is linked if it was not.
    async fn enter(
        &self,
        provider: &str,
        identity: &Identity,
        user: &UserRow,
        client: &Client,
        auditor: &Auditor,
    ) -> Result<SignedIn, AccountError> {
        let organization_id = organization_store::last_used(&self.db, user.id).await?;
        self.linked(provider, identity, user.id, organization_id, auditor).await?;
        let token = session_store::open(&self.db, user.id, organization_id, client).await?;
        self.record_login(auditor, user, organization_id, provider).await;
        self.signed_in(user.id, organization_id, token).await
    }

    /// Links an identity whose owner was recognised, or notes that it was used.
    async fn linked(
        &self,
        provider: &str,
        identity: &Identity,
        user_id: Uuid,
        organization_id: Uuid,
        auditor: &Auditor,
    ) -> Result<(), AccountError> {
        match store::link(&self.db, provider, identity, user_id).await? {
            Link::OfAnother => Err(AccountError::SsoOver),
            Link::Known => Ok(()),
            Link::New(id) => {
                let (scope, actor) = (TenantScope::authenticated(organization_id), Actor::Person(user_id));
                let detail = json!({"provider": provider});
                auditor.record_as(scope, actor, "identity.linked", target(id, identity), detail).await;
                Ok(())
            }
        }
    }

    /// Makes the account of somebody new, in the organization that invited them or in one of their own.
    async fn make_account(
        &self,
        pending: &Pending,
        email: &Email,
        body: SsoFinish,
        client: &Client,
        auditor: &Auditor,
    ) -> Result<(Uuid, Uuid), ApiError> {
        let name = Name::parse("name", &body.name.unwrap_or_else(|| pending.name.clone()));
        if let Some(token) = body.invitation {
            let name = name.map_err(InvalidFields::from)?;
            return self.join(&token, email, &name, auditor).await;
        }
        if !self.settings.signup_open {
            return Err(AccountError::SignupClosed.into());
        }
        let organization = Name::parse("organization", &body.organization.unwrap_or_default());
        refuse_any(&[name.as_ref().err(), organization.as_ref().err()])?;
        let (name, organization) =
            (name.map_err(InvalidFields::from)?, organization.map_err(InvalidFields::from)?);
        let account = NewAccount {
            email,
            name: &name,
            organization: &organization,
            password_hash: None,
            retention_days: self.settings.default_retention_days,
        };
        self.limits.signups.take(&client.address).await.map_err(AccountError::from)?;
        self.found_organization(&account, client, auditor).await
    }

    async fn join(
        &self,
        token: &str,
        email: &Email,
        name: &Name,
        auditor: &Auditor,
    ) -> Result<(Uuid, Uuid), ApiError> {
        let found = invitation_store::by_token(&self.db, &hash_of(token)).await?;
        if found.email != email.as_str() {
            return Err(AccountError::InvitedAnother.into());
        }
        let joining = Joining::New { name, password_hash: None };
        let user_id = self.accept(&found, &joining).await?;
        invitations::record_joining(auditor, &found, user_id).await;
        Ok((user_id, found.organization_id))
    }

    async fn check_code(
        &self,
        user: &UserRow,
        code: Option<&str>,
        auditor: &Auditor,
    ) -> Result<(), AccountError> {
        let checked = self.check_second_factor(user.id, code).await;
        if let (Err(AccountError::SecondFactorWrong), Ok(email)) = (&checked, Email::parse(&user.email)) {
            self.record_refusal(auditor, &email).await?;
        }
        checked
    }
}

fn target(id: Uuid, identity: &Identity) -> Target {
    Target::of(id, identity.email.as_ref().map_or("", |email| email.as_str()))
}

/// Moves the browser along.
struct Redirect {
    address: String,
    cookies: Vec<Cookie<'static>>,
}

impl Responder for Redirect {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther();
        for cookie in self.cookies {
            answer.cookie(cookie);
        }
        answer.insert_header((header::LOCATION, self.address)).finish()
    }
}
