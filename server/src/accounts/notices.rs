//! Mails that tell somebody what changed in their account, so that who did not do it finds out.
//!
//! A notice is written in the transaction of the change. Its row is the job that mails it, and goes when the mail has left or nothing
//! more can be done; it tells the address that the account had then, whatever becomes of the change.

use super::{AccountError, failed_to};
use crate::db::Db;
use crate::email::{self, IdentityMail, MailError, Mailer, wait_after};
use crate::on;
use crate::time::{MINUTE_US, Micros, now_us, rfc3339};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longer than a try can take; after it another node may try.
const LEASE_US: Micros = 2 * MINUTE_US;

crate::statements! {
    TELL_OF_IDENTITY = "INSERT INTO account_notices (id, user_id, email, kind, detail, created_at, attempts, next_attempt_at) \
        SELECT $1, u.id, u.email, 'identity_linked', $3, $4, 0, $4 FROM users u WHERE u.id = $2";
    CLAIM = "UPDATE account_notices SET attempts = attempts + 1, next_attempt_at = $2 \
        WHERE id = (SELECT id FROM account_notices WHERE next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT 1) \
        AND next_attempt_at <= $1 RETURNING id, email, detail, created_at, attempts, \
        (SELECT name FROM users WHERE users.id = account_notices.user_id) AS name";
    AGAIN = "UPDATE account_notices SET next_attempt_at = $3 WHERE id = $1 AND attempts = $2";
    DONE = "DELETE FROM account_notices WHERE id = $1 AND attempts = $2";
}

/// An account elsewhere by which one may sign in from now on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityLinked {
    /// The provider's name, for people.
    pub provider: String,
    /// The address that it has there.
    pub account: String,
}

#[derive(sqlx::FromRow)]
struct Job {
    id: Uuid,
    email: String,
    detail: String,
    created_at: Micros,
    attempts: i64,
    name: Option<String>,
}

/// Sends what is due.
pub async fn send_due(db: &Db, mailer: &Mailer, public_url: &str) -> Result<(), AccountError> {
    while let Some(job) = claim(db).await? {
        let sent = send(mailer, public_url, &job).await;
        if let Err(error) = &sent {
            tracing::warn!(%error, mail.id = %job.id, tries = job.attempts, "a notice about an account was not sent");
        }
        let again = match sent {
            Err(MailError::Temporary(_)) => wait_after(job.attempts),
            Err(MailError::Permanent(_)) | Ok(()) => None,
        };
        finish(db, &job, again).await?;
    }
    Ok(())
}

async fn claim(db: &Db) -> Result<Option<Job>, AccountError> {
    let now = now_us();
    on!(db.write(), pool => sqlx::query_as(CLAIM).bind(now).bind(now + LEASE_US).fetch_optional(pool).await)
        .map_err(failed_to("take a notice to send"))
}

/// Nothing is done where somebody else has taken the job meanwhile.
async fn finish(db: &Db, job: &Job, again: Option<Micros>) -> Result<(), AccountError> {
    on!(db.write(), pool => match again {
        Some(wait) => sqlx::query(AGAIN)
            .bind(job.id).bind(job.attempts).bind(now_us() + wait).execute(pool).await.map(|_| ()),
        None => sqlx::query(DONE).bind(job.id).bind(job.attempts).execute(pool).await.map(|_| ()),
    })
    .map_err(failed_to("note a sent notice"))
}

async fn send(mailer: &Mailer, public_url: &str, job: &Job) -> Result<(), MailError> {
    let broken = |error: &dyn std::fmt::Display| MailError::Permanent(error.to_string());
    let IdentityLinked { provider, account } =
        serde_json::from_str(&job.detail).map_err(|error| broken(&error))?;
    let mail = email::identity_linked(&IdentityMail {
        id: job.id,
        to: &job.email,
        name: job.name.as_deref().unwrap_or_default(),
        provider: &provider,
        account: &account,
        at: &rfc3339(job.created_at / 1_000_000 * 1_000_000),
        link: &format!("{public_url}/settings/profile"),
    });
    mailer.send(&mail.map_err(|error| broken(&error))?).await
}
