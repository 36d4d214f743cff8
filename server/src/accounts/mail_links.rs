//! Links that come by mail: confirming an address, resetting a password, joining an organization.
//!
//! The row of a link is also the job that mails it. Its secret is made when the mail is sent and again at each further try, so it
//! stands nowhere but in the newest mail. A link works once; asking for a reset again replaces the older one.

use super::checked::{Email, NewPassword};
use super::mail_link_store::{self as store, Job, Purpose};
use super::{AccountError, Accounts, notices, organization_store};
use crate::audit::{Actor, Auditor, Target};
use crate::client::Client;
use crate::db::Db;
use crate::email::{self, LinkMail, MailError, Mailer};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::accounts::{ForgotPasswordRequest, ResetPasswordRequest, TokenRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often jobs are looked for that another node left or whose time has come.
const LOOK: Duration = Duration::from_secs(5);

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/auth/verify-email").post(on_main(verify_email)))
        .service(web::resource("/api/v1/auth/forgot-password").post(on_main(forgot_password)))
        .service(web::resource("/api/v1/auth/reset-password").post(on_main(reset_password)));
}

/// Confirms the address to which the link was mailed.
///
/// # Errors
/// 422 `link_invalid`.
async fn verify_email(
    accounts: web::Data<Accounts>,
    body: web::Json<TokenRequest>,
) -> Result<NoContent, ApiError> {
    store::verify_email(&accounts.db, &hash_of(&body.token)).await?;
    Ok(NoContent)
}

/// Mails a link, if the address has an account. The answer is the same, and takes as long, if it has none.
async fn forgot_password(
    accounts: web::Data<Accounts>,
    client: Client,
    body: web::Json<ForgotPasswordRequest>,
) -> Result<(web::Json<serde_json::Value>, StatusCode), ApiError> {
    let accepted = (web::Json(serde_json::json!({})), StatusCode::ACCEPTED);
    let Ok(email) = Email::parse(&body.email) else {
        return Ok(accepted);
    };
    let limits = &accounts.limits;
    let allowed = limits.resets_of_address.take(&client.address).await.is_ok()
        && limits.resets_of_email.take(email.as_str()).await.is_ok();
    accounts.db.ping().await.map_err(super::failed_to("reach the database"))?;
    if allowed {
        tokio::spawn(async move {
            match store::request_reset(&accounts.db, &email).await {
                Ok(()) => accounts.links.wake(),
                Err(error) => tracing::error!(%error, "a password reset could not be noted"),
            }
        });
    }
    Ok(accepted)
}

/// Sets a new password by a mailed link, and ends all sessions of that user.
///
/// # Errors
/// 422 `link_invalid`, or `invalid` for a password that is not good enough.
async fn reset_password(
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<ResetPasswordRequest>,
) -> Result<NoContent, ApiError> {
    let ResetPasswordRequest { token, password } = body.into_inner();
    let token = hash_of(&token);
    let email = store::email_of_reset(&accounts.db, &token).await?.ok_or(AccountError::LinkInvalid)?;
    let password = NewPassword::parse("password", password, &email).map_err(InvalidFields::from)?;
    let hash = accounts.auth.passwords.hash(password.into_secret()).await?;
    let user_id = store::reset_password(&accounts.db, &token, &hash).await?;
    accounts.auth.forget_sessions();
    if let Ok(organization_id) = organization_store::last_used(&accounts.db, user_id).await {
        let scope = TenantScope::authenticated(organization_id);
        let target = Target::of(user_id, email);
        auditor.record_as(scope, Actor::Person(user_id), "password.reset", target, json!({})).await;
    }
    Ok(NoContent)
}

pub(super) fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Sends links that are due, and notices about accounts; cheap to clone.
#[derive(Clone)]
pub struct MailLinks {
    db: Db,
    mailer: Mailer,
    public_url: Arc<str>,
    news: Arc<Notify>,
}

impl MailLinks {
    #[must_use]
    pub fn new(db: Db, mailer: Mailer, public_url: &str) -> Self {
        Self { db, mailer, public_url: public_url.into(), news: Arc::default() }
    }

    /// Sends until the shutdown.
    pub fn start(&self, shutdown: &Shutdown) {
        let (links, stop) = (self.clone(), shutdown.token());
        shutdown.spawn(async move {
            while !stop.is_cancelled() {
                if let Err(error) = links.send_due().await {
                    tracing::warn!(%error, "mails with links wait");
                }
                let (db, mailer) = (&links.db, &links.mailer);
                if let Err(error) = notices::send_due(db, mailer, &links.public_url).await {
                    tracing::warn!(%error, "notices about accounts wait");
                }
                tokio::select! {
                    () = links.news.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => {}
                }
            }
        });
    }

    /// Something new is due.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    async fn send_due(&self) -> Result<(), AccountError> {
        loop {
            let secret: [u8; 32] = rand::random();
            let token = URL_SAFE_NO_PAD.encode(secret);
            let Some(job) = store::claim(&self.db, &hash_of(&token)).await? else {
                return Ok(());
            };
            let sent = self.send(&job, &token).await;
            if let Err(error) = &sent {
                tracing::warn!(%error, mail.id = %job.id, tries = job.attempts, "a mail with a link was not sent");
            }
            store::finish(&self.db, &job, sent.as_ref().err()).await?;
        }
    }

    async fn send(&self, job: &Job, token: &str) -> Result<(), MailError> {
        let page = match job.purpose() {
            Purpose::VerifyEmail => "verify-email",
            Purpose::ResetPassword => "reset-password",
            Purpose::ChangeEmail => "change-email",
            Purpose::Invitation => "invite",
        };
        let link = format!("{}/{page}?token={token}", self.public_url);
        let mail = LinkMail { id: job.id, to: &job.email, name: job.name(), link: &link };
        let mail = match job.purpose() {
            Purpose::VerifyEmail => email::verify_email(&mail),
            Purpose::ResetPassword => email::reset_password(&mail),
            Purpose::ChangeEmail => email::change_email(&mail),
            Purpose::Invitation => email::invitation(&mail, job.invited_by.as_deref()),
        };
        self.mailer.send(&mail.map_err(|error| MailError::Permanent(error.to_string()))?).await
    }
}
