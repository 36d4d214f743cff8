//! SQL of mailed links.

use super::checked::Email;
use super::notices::{Notice, tell};
use super::{AccountError, failed_to};
use crate::db::Db;
use crate::email::{MailError, wait_after};
use crate::on;
use crate::time::{DAY_US, MINUTE_US, Micros, now_us};
use uuid::Uuid;

pub const INVITATION_US: Micros = 7 * DAY_US;
const VERIFY_US: Micros = 3 * DAY_US;
const CHANGE_US: Micros = DAY_US;
const RESET_US: Micros = 30 * MINUTE_US;
/// Longer than a try can take; after it another node may try.
const LEASE_US: Micros = 2 * MINUTE_US;

crate::statements! {
    CLAIM = "UPDATE mail_links SET attempts = attempts + 1, next_attempt_at = $2, token_hash = $3, \
        expires_at = CASE purpose WHEN 'reset_password' THEN CAST($4 AS BIGINT) WHEN 'change_email' THEN CAST($6 AS BIGINT) \
        WHEN 'invitation' THEN (SELECT i.expires_at FROM invitations i WHERE i.id = mail_links.invitation_id) \
        ELSE CAST($5 AS BIGINT) END \
        WHERE id = (SELECT id FROM mail_links WHERE next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT 1) \
        AND next_attempt_at <= $1 \
        RETURNING id, purpose, email, attempts, (SELECT name FROM users WHERE users.id = mail_links.user_id) AS name, \
        (SELECT o.name FROM invitations i JOIN organizations o ON o.id = i.organization_id WHERE i.id = mail_links.invitation_id) \
        AS organization, (SELECT u.name FROM invitations i JOIN users u ON u.id = i.invited_by \
        WHERE i.id = mail_links.invitation_id) AS invited_by";
    FINISH = "UPDATE mail_links SET next_attempt_at = $3, last_error = $4 WHERE id = $1 AND attempts = $2 AND used_at IS NULL";
    VERIFY = "UPDATE mail_links SET used_at = $2 WHERE token_hash = $1 AND purpose = 'verify_email' \
        AND used_at IS NULL AND expires_at > $2 RETURNING user_id, email";
    SET_VERIFIED = "UPDATE users SET email_verified_at = $3 WHERE id = $1 AND email = $2 AND email_verified_at IS NULL";
    CANCEL_RESETS = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE purpose = 'reset_password' \
        AND used_at IS NULL AND user_id = (SELECT id FROM users WHERE email = $1)";
    REQUEST_RESET = "INSERT INTO mail_links (id, purpose, user_id, email, created_at, attempts, next_attempt_at) \
        SELECT $2, 'reset_password', id, email, $3, 0, $3 FROM users WHERE email = $1";
    EMAIL_OF_RESET = "SELECT email FROM mail_links WHERE token_hash = $1 AND purpose = 'reset_password' \
        AND used_at IS NULL AND expires_at > $2";
    USE_RESET = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE token_hash = $1 \
        AND purpose = 'reset_password' AND used_at IS NULL AND expires_at > $2 RETURNING user_id, email";
    CANCEL_CHANGES = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE user_id = $1 \
        AND purpose = 'change_email' AND used_at IS NULL";
    REQUEST_CHANGE = "INSERT INTO mail_links (id, purpose, user_id, email, created_at, attempts, next_attempt_at) \
        VALUES ($1, 'change_email', $2, $3, $4, 0, $4)";
    USE_CHANGE = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE token_hash = $1 \
        AND purpose = 'change_email' AND used_at IS NULL AND expires_at > $2 RETURNING user_id, email";
    EMAIL = "SELECT email FROM users WHERE id = $1";
    SET_EMAIL = "UPDATE users SET email = $2, email_verified_at = $3 WHERE id = $1 \
        AND NOT EXISTS (SELECT o.id FROM users o WHERE o.email = $2 AND o.id <> $1)";
    END_OTHER_LINKS = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE user_id = $1 AND used_at IS NULL";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    END_SESSIONS = "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";
    END_COMMAND_LINES = "UPDATE api_keys SET revoked_at = $2 WHERE personal_to = $1 AND revoked_at IS NULL";
    FORGET_UNPROVEN_FACTOR = "DELETE FROM second_factors WHERE user_id = $1 \
        AND EXISTS (SELECT id FROM users WHERE id = $1 AND email_verified_at IS NULL)";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    VerifyEmail,
    ResetPassword,
    ChangeEmail,
    Invitation,
}

/// A link that is to be mailed by who claimed it.
#[derive(sqlx::FromRow)]
pub struct Job {
    pub id: Uuid,
    purpose: String,
    pub email: String,
    pub attempts: i64,
    name: Option<String>,
    organization: Option<String>,
    pub invited_by: Option<String>,
}

impl Job {
    pub fn purpose(&self) -> Purpose {
        match self.purpose.as_str() {
            "verify_email" => Purpose::VerifyEmail,
            "change_email" => Purpose::ChangeEmail,
            "invitation" => Purpose::Invitation,
            _ => Purpose::ResetPassword,
        }
    }

    /// Of the person, or of the organization that invites.
    pub fn name(&self) -> &str {
        self.name.as_deref().or(self.organization.as_deref()).unwrap_or_default()
    }
}

/// Takes the job that is due for longest, for two minutes, and gives its link a new secret.
pub async fn claim(db: &Db, token_hash: &[u8]) -> Result<Option<Job>, AccountError> {
    let now = now_us();
    on!(db.write(), pool => sqlx::query_as(CLAIM)
        .bind(now).bind(now + LEASE_US).bind(token_hash).bind(now + RESET_US).bind(now + VERIFY_US)
        .bind(now + CHANGE_US)
        .fetch_optional(pool).await)
    .map_err(failed_to("take a mail to send"))
}

/// Notes how the try went, unless somebody else has taken the job meanwhile.
pub async fn finish(db: &Db, job: &Job, error: Option<&MailError>) -> Result<(), AccountError> {
    let next = match error {
        Some(MailError::Temporary(_)) => wait_after(job.attempts).map(|wait| now_us() + wait),
        Some(MailError::Permanent(_)) | None => None,
    };
    on!(db.write(), pool => sqlx::query(FINISH)
        .bind(job.id).bind(job.attempts).bind(next).bind(error.map(ToString::to_string))
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("note a sent mail"))
}

pub async fn verify_email(db: &Db, token_hash: &[u8]) -> Result<(), AccountError> {
    let verified: Result<bool, sqlx::Error> = async {
        let now = now_us();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let used: Option<(Uuid, String)> = sqlx::query_as(VERIFY)
                .bind(token_hash).bind(now).fetch_optional(&mut *transaction).await?;
            let Some((user_id, email)) = used else { return Ok(false) };
            sqlx::query(SET_VERIFIED)
                .bind(user_id).bind(email).bind(now).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }
    .await;
    if verified.map_err(failed_to("confirm an e-mail address"))? {
        Ok(())
    } else {
        Err(AccountError::LinkInvalid)
    }
}

/// Notes that a link is to be mailed, if the address has an account.
pub async fn request_reset(db: &Db, email: &Email) -> Result<(), AccountError> {
    let requested = async {
        let now = now_us();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(CANCEL_RESETS).bind(email.as_str()).bind(now).execute(&mut *transaction).await?;
            sqlx::query(REQUEST_RESET)
                .bind(email.as_str()).bind(Uuid::now_v7()).bind(now).execute(&mut *transaction).await?;
            transaction.commit().await
        })
    };
    requested.await.map_err(failed_to("note a password reset"))
}

/// Whose reset this is, while the link works.
pub async fn email_of_reset(db: &Db, token_hash: &[u8]) -> Result<Option<String>, AccountError> {
    on!(db.read(), pool => sqlx::query_scalar(EMAIL_OF_RESET)
        .bind(token_hash).bind(now_us()).fetch_optional(pool).await)
    .map_err(failed_to("look up a reset link"))
}

/// Uses the link up, sets the password, ends all sessions and command lines, and every other link of the user: who had the old
/// password may have asked for one. Whoever has the mail has the address, so it counts as confirmed; a second factor that was set
/// up while it was not may be somebody else's, and goes.
pub async fn reset_password(db: &Db, token_hash: &[u8], hash: &str) -> Result<Uuid, AccountError> {
    let reset: Result<Option<Uuid>, sqlx::Error> = async {
        let now = now_us();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let used: Option<(Uuid, String)> = sqlx::query_as(USE_RESET)
                .bind(token_hash).bind(now).fetch_optional(&mut *transaction).await?;
            let Some((user_id, email)) = used else { return Ok(None) };
            sqlx::query(SET_PASSWORD).bind(user_id).bind(hash).execute(&mut *transaction).await?;
            sqlx::query(END_SESSIONS).bind(user_id).bind(now).execute(&mut *transaction).await?;
            sqlx::query(END_COMMAND_LINES).bind(user_id).bind(now).execute(&mut *transaction).await?;
            sqlx::query(END_OTHER_LINKS).bind(user_id).bind(now).execute(&mut *transaction).await?;
            sqlx::query(FORGET_UNPROVEN_FACTOR).bind(user_id).execute(&mut *transaction).await?;
            sqlx::query(SET_VERIFIED).bind(user_id).bind(email).bind(now).execute(&mut *transaction).await?;
            tell!(transaction, user_id, Notice::PasswordChanged)?;
            transaction.commit().await?;
            Ok(Some(user_id))
        })
    }
    .await;
    reset.map_err(failed_to("reset a password"))?.ok_or(AccountError::LinkInvalid)
}

/// Notes that a link is to be mailed to the address which the user wants; an older wish ends.
pub async fn request_change(db: &Db, user_id: Uuid, email: &Email) -> Result<(), AccountError> {
    let requested = async {
        let now = now_us();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(CANCEL_CHANGES).bind(user_id).bind(now).execute(&mut *transaction).await?;
            sqlx::query(REQUEST_CHANGE)
                .bind(Uuid::now_v7()).bind(user_id).bind(email.as_str()).bind(now)
                .execute(&mut *transaction).await?;
            transaction.commit().await
        })
    };
    requested.await.map_err(failed_to("note a change of address"))
}

/// Uses the link up and sets the address, ends every other link of the user, and writes to the old address. Tells the user, the old
/// and the new address.
pub async fn change_email(db: &Db, token_hash: &[u8]) -> Result<(Uuid, String, String), AccountError> {
    try_change_email(db, token_hash).await.map_err(failed_to("change an address"))?
}

async fn try_change_email(
    db: &Db,
    token_hash: &[u8],
) -> Result<Result<(Uuid, String, String), AccountError>, sqlx::Error> {
    let now = now_us();
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        let used: Option<(Uuid, String)> = sqlx::query_as(USE_CHANGE)
            .bind(token_hash).bind(now).fetch_optional(&mut *transaction).await?;
        let Some((user_id, new)) = used else { return Ok(Err(AccountError::LinkInvalid)) };
        let old: String = sqlx::query_scalar(EMAIL).bind(user_id).fetch_one(&mut *transaction).await?;
        // Before the change: it goes to the address that the account has now.
        tell!(transaction, user_id, Notice::EmailChanged { new: new.clone() })?;
        let changed = sqlx::query(SET_EMAIL)
            .bind(user_id).bind(&new).bind(now).execute(&mut *transaction).await?.rows_affected();
        if changed == 0 {
            return Ok(Err(AccountError::EmailTaken));
        }
        sqlx::query(END_OTHER_LINKS).bind(user_id).bind(now).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Ok((user_id, old, new)))
    })
}
