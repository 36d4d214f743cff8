//! Signing up, logging in, going on with a session, switching the organization, logging out.

use super::checked::{Email, Name, NewPassword, refuse_any};
use super::session_store::{self, RefreshToken};
use super::user_store::{self, NewAccount, UserRow};
use super::{AccountError, Accounts, id, organization_store, project_store};
use crate::audit::{Actor, Auditor, Target};
use crate::auth::access_token::LIFETIME_S;
use crate::auth::credentials::Credentials;
use crate::auth::extractors::Person;
use crate::auth::{Auth, AuthError};
use crate::client::Client;
use crate::error::{ApiError, InvalidFields, ProblemKind};
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use crate::time::SECOND_US;
use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use api_types::accounts::{LoginRequest, Session, SignupRequest, SwitchRequest, User};
use secrecy::SecretString;
use serde_json::json;
use std::future::{Ready, ready};
use uuid::Uuid;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/auth/signup").post(on_main(sign_up)))
        .service(web::resource("/api/v1/auth/login").post(on_main(log_in)))
        .service(web::resource("/api/v1/auth/refresh").post(on_main(refresh)))
        .service(web::resource("/api/v1/auth/switch").post(on_main(switch)))
        .service(web::resource("/api/v1/auth/logout").post(on_main(log_out)));
}

/// Makes an account with its organization, and signs in.
///
/// # Errors
/// 403 `signup_closed`, 409 `email_taken`, 422 `invalid`, 429 `too_many_attempts`.
async fn sign_up(
    accounts: web::Data<Accounts>,
    client: Client,
    auditor: Auditor,
    body: web::Json<SignupRequest>,
) -> Result<SignedIn, ApiError> {
    if !accounts.settings.signup_open {
        return Err(AccountError::SignupClosed.into());
    }
    let new = CheckedSignup::parse(body.into_inner())?;
    accounts.limits.signups.take(&client.address).await.map_err(AccountError::from)?;
    let hash = accounts.auth.passwords.hash(new.password.into_secret()).await?;
    let account = NewAccount {
        email: &new.email,
        name: &new.name,
        organization: &new.organization,
        password_hash: Some(&hash),
        retention_days: accounts.settings.default_retention_days,
    };
    let (user_id, organization_id) = accounts.found_organization(&account, &client, &auditor).await?;
    let token = session_store::open(&accounts.db, user_id, organization_id, &client).await?;
    Ok(accounts.signed_in(user_id, organization_id, token).await?.with_status(StatusCode::CREATED))
}

/// Signs in, into the organization that was used last. A session that this browser had before ends.
///
/// # Errors
/// 401 `wrong_credentials` for an unknown address as for a wrong password, `second_factor_required`, `second_factor_wrong`;
/// 429 `too_many_attempts`.
async fn log_in(
    accounts: web::Data<Accounts>,
    client: Client,
    auditor: Auditor,
    before: RefreshCookie,
    body: web::Json<LoginRequest>,
) -> Result<SignedIn, ApiError> {
    let LoginRequest { email, password, code } = body.into_inner();
    let email = Email::parse(&email).map_err(|_| AccountError::WrongCredentials)?;
    let checked = accounts.check_credentials(&email, password.into(), &client).await;
    if checked.as_ref().is_err_and(|error| !is_ours(error)) {
        accounts.record_refusal(&auditor, &email).await?;
    }
    let user = checked?;
    let second = accounts.check_second_factor(user.id, code.as_deref()).await;
    if matches!(second, Err(AccountError::SecondFactorWrong)) {
        accounts.record_refusal(&auditor, &email).await?;
    }
    second?;
    let organization_id = organization_store::last_used(&accounts.db, user.id).await?;
    accounts.leave(&before).await?;
    let token = session_store::open(&accounts.db, user.id, organization_id, &client).await?;
    accounts.record_login(&auditor, &user, organization_id, "password").await;
    Ok(accounts.signed_in(user.id, organization_id, token).await?)
}

/// Whether it was no fault of who tried: an outage must lock nobody out, and is no refusal.
fn is_ours(error: &ApiError) -> bool {
    matches!(error.kind(), ProblemKind::Unavailable { .. } | ProblemKind::Internal)
}

/// Goes on with a session: a new access token for the refresh cookie, which is exchanged.
///
/// # Errors
/// 401 `session_over`; a token that was used before ends its session.
async fn refresh(accounts: web::Data<Accounts>, cookie: RefreshCookie) -> Result<SignedIn, ApiError> {
    let token = cookie.0.ok_or(AccountError::SessionOver)?;
    let refreshed = session_store::refresh(&accounts.db, &accounts.auth.tokens, &token).await;
    if matches!(refreshed, Err(AccountError::SessionOver)) {
        accounts.auth.forget_sessions();
    }
    let refreshed = refreshed?;
    let (user_id, organization_id) = (refreshed.user_id, refreshed.organization_id);
    let is_member = organization_store::of_member(&accounts.db, organization_id, user_id).await?.is_some();
    if is_member {
        return Ok(accounts.signed_in(user_id, organization_id, refreshed.token).await?);
    }
    let organization_id = organization_store::last_used(&accounts.db, user_id).await?;
    session_store::switch(&accounts.db, refreshed.token.session_id, organization_id).await?;
    Ok(accounts.signed_in(user_id, organization_id, refreshed.token).await?)
}

/// Goes on in another organization of the caller.
///
/// # Errors
/// 404 when the caller is not a member there.
async fn switch(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<SwitchRequest>,
) -> Result<SignedIn, ApiError> {
    let wanted = id(&body.organization_id)?;
    let found = organization_store::of_member(&accounts.db, wanted, person.user_id).await?;
    found.ok_or(AccountError::NotFound)?;
    session_store::switch(&accounts.db, person.session_id, wanted).await?;
    let (scope, actor) = (TenantScope::authenticated(wanted), Actor::Person(person.user_id));
    auditor.record_as(scope, actor, "session.switched_here", Target::none(), json!({})).await;
    Ok(accounts.session(person.user_id, wanted, person.session_id).await?)
}

/// Ends the session of the access token or of the refresh cookie, and has the browser forget both. Always 204.
async fn log_out(
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    leaving: Leaving,
) -> Result<SignedOut, ApiError> {
    let from_cookie = match &leaving.refresh {
        Some(token) if session_store::is_current(&accounts.db, token).await? => Some(token.session_id),
        _ => None,
    };
    auditor.record("session.ended", Target::none(), json!({"by": "logout"})).await;
    for session_id in [leaving.session_id, from_cookie].into_iter().flatten() {
        session_store::end(&accounts.db, session_id).await?;
    }
    accounts.auth.forget_sessions();
    Ok(SignedOut(accounts.auth.cookies.removed()))
}

struct CheckedSignup {
    email: Email,
    name: Name,
    organization: Name,
    password: NewPassword,
}

impl CheckedSignup {
    fn parse(body: SignupRequest) -> Result<Self, InvalidFields> {
        let email = Email::parse(&body.email);
        let name = Name::parse("name", &body.name);
        let organization = Name::parse("organization", &body.organization);
        let password = NewPassword::parse("password", body.password, &body.email);
        refuse_any(&[
            email.as_ref().err(),
            name.as_ref().err(),
            organization.as_ref().err(),
            password.as_ref().err(),
        ])?;
        Ok(Self { email: email?, name: name?, organization: organization?, password: password? })
    }
}

impl Accounts {
    /// Makes an account with its organization; gives the attempt to sign up back when that fails.
    pub(super) async fn found_organization(
        &self,
        account: &NewAccount<'_>,
        client: &Client,
        auditor: &Auditor,
    ) -> Result<(Uuid, Uuid), ApiError> {
        let made = user_store::sign_up(&self.db, account).await;
        if made.is_err() {
            self.limits.signups.give_back(&client.address).await;
        }
        let (user_id, organization_id) = made?;
        self.links.wake();
        tracing::info!(org.id = %organization_id, user.id = %user_id, "signed up {organization_id}");
        let (scope, actor) = (TenantScope::authenticated(organization_id), Actor::Person(user_id));
        let target = Target::of(organization_id, account.organization.as_str());
        auditor.record_as(scope, actor, "organization.created", target, json!({})).await;
        Ok((user_id, organization_id))
    }

    /// Ends the session that a browser has, before it gets another.
    pub(super) async fn leave(&self, before: &RefreshCookie) -> Result<(), AccountError> {
        let Some(token) = &before.0 else { return Ok(()) };
        if session_store::is_current(&self.db, token).await? {
            session_store::end(&self.db, token.session_id).await?;
            self.auth.forget_sessions();
        }
        Ok(())
    }

    /// Records a login in the organization in which it begins.
    pub(super) async fn record_login(
        &self,
        auditor: &Auditor,
        user: &UserRow,
        organization_id: Uuid,
        method: &str,
    ) {
        let (scope, actor) = (TenantScope::authenticated(organization_id), Actor::Person(user.id));
        let target = Target::of(user.id, &user.email);
        auditor.record_as(scope, actor, "session.opened", target, json!({"method": method})).await;
    }

    /// Records a refused login where the account was last in use. Who has no account has no log either.
    pub(super) async fn record_refusal(&self, auditor: &Auditor, email: &Email) -> Result<(), AccountError> {
        let Some(user) = user_store::by_email(&self.db, email).await? else { return Ok(()) };
        let Ok(organization_id) = organization_store::last_used(&self.db, user.id).await else {
            return Ok(());
        };
        let scope = TenantScope::authenticated(organization_id);
        let target = Target::of(user.id, &user.email);
        auditor.note_of_system(scope, "session.refused", target, json!({})).await;
        Ok(())
    }

    /// The user whose password this is; guesses are limited per account and address.
    pub(super) async fn check_credentials(
        &self,
        email: &Email,
        password: SecretString,
        client: &Client,
    ) -> Result<UserRow, ApiError> {
        let account_and_address = format!("{} {}", email.as_str(), client.address);
        self.limits.logins_of_address.take(&client.address).await.map_err(AccountError::from)?;
        self.limits.logins.take(&account_and_address).await.map_err(AccountError::from)?;
        let checked = self.check_password(email, password).await;
        let (is_right, is_ours) = (checked.is_ok(), checked.as_ref().is_err_and(is_ours));
        if is_right || is_ours {
            self.limits.logins_of_address.give_back(&client.address).await;
        }
        match (is_right, is_ours) {
            (true, _) => self.limits.logins.forget(&account_and_address).await,
            (_, true) => self.limits.logins.give_back(&account_and_address).await,
            _ => {}
        }
        checked
    }

    /// The user whose password this is. Takes as long for an unknown address.
    async fn check_password(&self, email: &Email, password: SecretString) -> Result<UserRow, ApiError> {
        let user = user_store::by_email(&self.db, email).await?;
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let verdict = self.auth.passwords.verify(password.clone(), stored).await?;
        let Some(user) = user.filter(|_| verdict.matches) else {
            return Err(AccountError::WrongCredentials.into());
        };
        if let (true, Some(old)) = (verdict.outdated, &user.password_hash) {
            let new = self.auth.passwords.hash(password).await?;
            user_store::replace_hash(&self.db, user.id, old, &new).await?;
        }
        Ok(user)
    }

    pub(super) async fn signed_in(
        &self,
        user_id: Uuid,
        organization_id: Uuid,
        token: RefreshToken,
    ) -> Result<SignedIn, AccountError> {
        let mut signed_in = self.session(user_id, organization_id, token.session_id).await?;
        let seconds = session_store::LIFETIME_US / SECOND_US;
        signed_in.cookies.push(self.auth.cookies.refresh(&token.text(), seconds));
        Ok(signed_in)
    }

    /// A new access token for a session, with everything that the pages show first.
    pub(super) async fn session(
        &self,
        user_id: Uuid,
        organization_id: Uuid,
        session_id: Uuid,
    ) -> Result<SignedIn, AccountError> {
        let user = user_store::by_id(&self.db, user_id).await?.ok_or(AccountError::SessionOver)?;
        let organization = organization_store::of_member(&self.db, organization_id, user_id)
            .await?
            .ok_or(AccountError::NoOrganization)?;
        let scope = TenantScope::authenticated(organization_id);
        let role = organization.role();
        let project_roles = self.auth.project_roles(&scope, user_id, role).await?;
        let access_token = self.auth.tokens.issue(user_id, session_id, organization_id);
        let seconds = i64::try_from(LIFETIME_S).unwrap_or(i64::MAX);
        let cookies = vec![self.auth.cookies.access(&access_token, seconds)];
        let session = Session {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: LIFETIME_S,
            user: user.into(),
            role,
            row_rule: organization.row_rule.clone(),
            organization: organization.into(),
            projects: project_store::list_for(&self.db, &scope, role, &project_roles).await?,
        };
        Ok(SignedIn { session, cookies, status: StatusCode::OK })
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.to_string(),
            email: row.email,
            name: row.name,
            email_verified: row.email_verified_at.is_some(),
        }
    }
}

/// A `Session` with the cookies that carry it.
pub(super) struct SignedIn {
    session: Session,
    cookies: Vec<Cookie<'static>>,
    status: StatusCode,
}

impl SignedIn {
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with_cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// For an answer that is no `Session`.
    pub(super) fn into_cookies(self) -> Vec<Cookie<'static>> {
        self.cookies
    }
}

impl Responder for SignedIn {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        for cookie in self.cookies {
            answer.cookie(cookie);
        }
        answer.json(self.session)
    }
}

struct SignedOut([Cookie<'static>; 2]);

impl Responder for SignedOut {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let [access, refresh] = self.0;
        HttpResponse::NoContent().cookie(access).cookie(refresh).finish()
    }
}

/// The refresh token that the browser sent, from one of our own pages.
pub(super) struct RefreshCookie(Option<RefreshToken>);

impl FromRequest for RefreshCookie {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = Auth::of(request);
        let token = auth.cookies.refresh_token(request).and_then(|text| RefreshToken::parse(&text));
        ready(auth.cookies.refuse_other_sites(request).map(|()| Self(token)))
    }
}

/// Whatever tells the session of somebody who leaves: the access token, or the refresh cookie.
struct Leaving {
    session_id: Option<Uuid>,
    refresh: Option<RefreshToken>,
}

impl FromRequest for Leaving {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = Auth::of(request);
        let cookie = auth.cookies.access_token(request);
        let session_id = match Credentials::find(request.headers(), cookie) {
            Credentials::AccessToken(token) | Credentials::Cookie(token) => auth.tokens.verify(&token),
            Credentials::ApiKey(_) | Credentials::None => None,
        }
        .map(|claims| claims.sid);
        let refresh = auth.cookies.refresh_token(request).and_then(|text| RefreshToken::parse(&text));
        ready(auth.cookies.refuse_other_sites(request).map(|()| Self { session_id, refresh }))
    }
}
