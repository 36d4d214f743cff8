//! Invitations: a mailed link by which somebody joins the organization with a role.
//!
//! A link works for a week, once. Who has it has the mailbox, so a new account made by it counts as confirmed; somebody who has
//! an account already must be signed in with it, or give its password: the link alone opens nobody's account.

use super::checked::{Email, Name, NewPassword, refuse_any, row_rule};
use super::invitation_store::{self as store, Found, Joining};
use super::mail_links::hash_of;
use super::sign_in::SignedIn;
use super::{AccountError, Accounts, id, session_store, user_store};
use crate::audit::{Actor, Auditor, Target};
use crate::auth::extractors::Person;
use crate::auth::{Admin, Member, Viewer};
use crate::client::Client;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::usage::plan;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::{AcceptRequest, Invitation, InvitationRequest, InvitedTo, Role, TokenRequest};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/invitations").get(on_main(list)).post(on_main(invite)))
        .service(web::resource("/api/v1/invitations/look-up").post(on_main(look_up)))
        .service(web::resource("/api/v1/invitations/accept").post(on_main(accept)))
        .service(web::resource("/api/v1/invitations/{id}").delete(on_main(withdraw)))
        .service(web::resource("/api/v1/invitations/{id}/resend").post(on_main(resend)));
}

async fn list(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<Invitation>>, ApiError> {
    Ok(web::Json(store::list(&accounts.db, admin.scope()).await?.into()))
}

/// Mails somebody a link by which they join.
///
/// # Errors
/// 403 to make an owner without being one, 409 `already_member`, `already_invited`, `members_limit_reached`,
/// `row_rule_on_admin`, 422 `invalid`, 429 `too_many_attempts`.
async fn invite(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<InvitationRequest>,
) -> Result<(web::Json<Invitation>, StatusCode), ApiError> {
    let (email, rule) = (Email::parse(&body.email), row_rule(body.row_rule.as_deref()));
    refuse_any(&[email.as_ref().err(), rule.as_ref().err()])?;
    let (email, rule) = (email.map_err(InvalidFields::from)?, rule.map_err(InvalidFields::from)?);
    if rule.is_some() && body.role >= Role::Admin {
        return Err(AccountError::RowRuleOnAdmin.into());
    }
    if body.role == Role::Owner && admin.role() != Role::Owner {
        return Err(AccountError::OwnersOnly.into());
    }
    let organization = admin.org_id().to_string();
    accounts.limits.invitations.take(&organization).await.map_err(AccountError::from)?;
    let joining = (body.role, rule.as_ref());
    let invited = accounts.invite(&admin, &email, joining).await;
    if invited.is_err() {
        accounts.limits.invitations.give_back(&organization).await;
    }
    let made = invited?.to_string();
    accounts.links.wake();
    let target = Target::of(&made, email.as_str());
    let row_rule = rule.as_ref().map(RowRule::as_str);
    auditor.record("invitation.sent", target, json!({"role": body.role, "row_rule": row_rule})).await;
    let listed = store::list(&accounts.db, admin.scope()).await?;
    let made = listed.into_iter().find(|each| each.id == made).ok_or(AccountError::NotFound)?;
    Ok((web::Json(made), StatusCode::CREATED))
}

/// Mails a new link; the one before stops working.
///
/// # Errors
/// 404, 409 `members_limit_reached`, 429 `too_many_attempts`.
async fn resend(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let invitation_id = id(&path)?;
    accounts.limits.invitations.take(&admin.org_id().to_string()).await.map_err(AccountError::from)?;
    let most = plan::limits(&accounts.db, &accounts.settings, admin.scope()).await?.members;
    let sent = store::resend(&accounts.db, admin.scope(), most, invitation_id).await?;
    let target = Target::of(invitation_id, &sent.email);
    auditor.record("invitation.sent", target, json!({"role": sent.role(), "again": true})).await;
    accounts.links.wake();
    Ok(NoContent)
}

/// Withdraws an invitation: its link stops working.
async fn withdraw(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let invitation_id = id(&path)?;
    let gone = store::remove(&accounts.db, admin.scope(), invitation_id).await?;
    let target = Target::of(invitation_id, &gone.email);
    auditor.record("invitation.withdrawn", target, json!({"role": gone.role()})).await;
    Ok(NoContent)
}

/// What a mailed link leads to, before it is used.
///
/// # Errors
/// 422 `link_invalid`.
async fn look_up(
    accounts: web::Data<Accounts>,
    body: web::Json<TokenRequest>,
) -> Result<web::Json<InvitedTo>, ApiError> {
    let found = store::by_token(&accounts.db, &hash_of(&body.token)).await?;
    Ok(web::Json(InvitedTo {
        role: found.role(),
        has_account: found.user_id.is_some(),
        email: found.email,
        organization: found.organization,
        invited_by: found.invited_by,
    }))
}

/// Joins the organization, and goes on in it.
///
/// # Errors
/// 401 `login_needed`: the address has an account; 409 `members_limit_reached`; 422 `link_invalid`, `invalid`.
async fn accept(
    member: Option<Member<Viewer>>,
    accounts: web::Data<Accounts>,
    client: Client,
    auditor: Auditor,
    body: web::Json<AcceptRequest>,
) -> Result<SignedIn, ApiError> {
    let body = body.into_inner();
    let found = store::by_token(&accounts.db, &hash_of(&body.token)).await?;
    let organization_id = found.organization_id;
    let Some(known) = found.user_id else {
        let user_id = accounts.join_as_new(&found, body).await?;
        record_joining(&auditor, &found, user_id).await;
        return accounts.open_session(user_id, organization_id, &client, StatusCode::CREATED).await;
    };
    let person = member.and_then(|member| member.person().ok());
    if let Some(person) = person.filter(|person| person.user_id == known) {
        let joined = accounts.join_as(&found, person).await?;
        record_joining(&auditor, &found, known).await;
        return Ok(joined);
    }
    let Some(password) = body.password else {
        return Err(AccountError::LoginNeeded.into());
    };
    let email = Email::parse(&found.email).map_err(|_| AccountError::LinkInvalid)?;
    accounts.check_credentials(&email, password.into(), &client).await?;
    if accounts.has_second_factor(known).await? {
        return Err(AccountError::LoginNeeded.into());
    }
    accounts.accept(&found, &Joining::Known(known)).await?;
    record_joining(&auditor, &found, known).await;
    accounts.open_session(known, organization_id, &client, StatusCode::OK).await
}

pub(super) async fn record_joining(auditor: &Auditor, found: &Found, user_id: uuid::Uuid) {
    let scope = TenantScope::authenticated(found.organization_id);
    let target = Target::of(user_id, &found.email);
    let detail = json!({"role": found.role()});
    auditor.record_as(scope, Actor::Person(user_id), "invitation.accepted", target, detail).await;
}

impl Accounts {
    async fn invite(
        &self,
        admin: &Member<Admin>,
        email: &Email,
        joining: (Role, Option<&RowRule>),
    ) -> Result<uuid::Uuid, ApiError> {
        let most = plan::limits(&self.db, &self.settings, admin.scope()).await?.members;
        Ok(store::invite(&self.db, admin.scope(), most, email, joining, admin.user_id()).await?)
    }

    /// Uses an invitation up, when the organization's plan has room for one more member.
    pub(super) async fn accept(&self, found: &Found, who: &Joining<'_>) -> Result<uuid::Uuid, ApiError> {
        let scope = TenantScope::authenticated(found.organization_id);
        let most = plan::limits(&self.db, &self.settings, &scope).await?.members;
        Ok(store::accept(&self.db, found, most, who).await?)
    }

    async fn join_as_new(&self, found: &Found, body: AcceptRequest) -> Result<uuid::Uuid, ApiError> {
        let name = Name::parse("name", &body.name.unwrap_or_default());
        let password = NewPassword::parse("password", body.password.unwrap_or_default(), &found.email);
        refuse_any(&[name.as_ref().err(), password.as_ref().err()])?;
        let (name, password) = (name.map_err(InvalidFields::from)?, password.map_err(InvalidFields::from)?);
        let password_hash = self.auth.passwords.hash(password.into_secret()).await?;
        let joining = Joining::New { name: &name, password_hash: Some(&password_hash) };
        self.accept(found, &joining).await
    }

    async fn join_as(&self, found: &Found, person: Person) -> Result<SignedIn, ApiError> {
        self.accept(found, &Joining::Known(person.user_id)).await?;
        session_store::switch(&self.db, person.session_id, found.organization_id).await?;
        self.auth.forget_sessions();
        Ok(self.session(person.user_id, found.organization_id, person.session_id).await?)
    }

    async fn open_session(
        &self,
        user_id: uuid::Uuid,
        organization_id: uuid::Uuid,
        client: &Client,
        status: StatusCode,
    ) -> Result<SignedIn, ApiError> {
        let token = session_store::open(&self.db, user_id, organization_id, client).await?;
        let user = user_store::by_id(&self.db, user_id).await?.ok_or(AccountError::SessionOver)?;
        tracing::info!(org.id = %organization_id, user.id = %user.id, "joined {organization_id}");
        Ok(self.signed_in(user_id, organization_id, token).await?.with_status(status))
    }
}
