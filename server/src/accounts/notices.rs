//! Mails that tell somebody what changed in their account, so that who did not do it finds out.
//!
//! A notice is written in the transaction of the change. Its row is the job that mails it, and goes when the mail has left or nothing
//! more can be done; it tells the address that the account had then, whatever becomes of the change.

use super::{AccountError, failed_to};
use crate::db::Db;
use crate::email::{self, MailError, Mailer, NoticeMail, wait_after};
use crate::on;
use crate::time::{MINUTE_US, Micros, now_us, rfc3339};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longer than a try can take; after it another node may try.
const LEASE_US: Micros = 2 * MINUTE_US;

crate::statements! {
    TELL = "INSERT INTO account_notices (id, user_id, email, detail, created_at, attempts, next_attempt_at) \
        SELECT $1, u.id, u.email, $3, $4, 0, $4 FROM users u WHERE u.id = $2";
    CLAIM = "UPDATE account_notices SET attempts = attempts + 1, next_attempt_at = $2 \
        WHERE id = (SELECT id FROM account_notices WHERE next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT 1) \
        AND next_attempt_at <= $1 RETURNING id, email, detail, created_at, attempts, \
        (SELECT name FROM users WHERE users.id = account_notices.user_id) AS name";
    AGAIN = "UPDATE account_notices SET next_attempt_at = $3 WHERE id = $1 AND attempts = $2";
    DONE = "DELETE FROM account_notices WHERE id = $1 AND attempts = $2";
}

/// What happened to an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// An account elsewhere, by which one may sign in from now on: the provider's name for people, and the address that it has there.
    IdentityLinked {
        provider: String,
        account: String,
    },
    /// Another address is the account's from now on.
    EmailChanged {
        new: String,
    },
    PasswordChanged,
    SecondFactorRemoved,
}

/// A notice in words.
struct Words {
    subject: String,
    /// A sentence that ends with the time.
    what: String,
    /// What to do when it was somebody else.
    otherwise: &'static str,
    /// Where that is done.
    path: &'static str,
}

impl Notice {
    pub fn detail(&self) -> String {
        serde_json::to_string(self).expect("a notice is plain text")
    }

    fn words(&self) -> Words {
        match self {
            Self::IdentityLinked { provider, account } => Words {
                subject: format!("{provider} was linked to your account"),
                what: format!("an account of {provider}, {account}, can be used to sign in to your Cordwood account since"),
                otherwise: "take the link away under \"Other accounts\" and choose a new password",
                path: "/settings/profile",
            },
            Self::EmailChanged { new } => Words {
                subject: "Your e-mail address was changed".to_owned(),
                what: format!("you sign in to Cordwood with {new}, and no longer with this address, since"),
                otherwise: "ask an administrator of your organization at once to remove that account, and to invite you anew",
                path: "/login",
            },
            Self::PasswordChanged => Words {
                subject: "Your password was changed".to_owned(),
                what: "your Cordwood account has a new password, and everybody else who was signed in to it is signed out, since"
                    .to_owned(),
                otherwise: "choose another one, by a link that is mailed to you",
                path: "/forgot-password",
            },
            Self::SecondFactorRemoved => Words {
                subject: "Your second factor was removed".to_owned(),
                what: "the password alone is enough to sign in to your Cordwood account since".to_owned(),
                otherwise: "choose a new password and set the second factor up again",
                path: "/settings/profile",
            },
        }
    }
}

/// Writes a notice in a transaction of either database.
macro_rules! tell {
    ($transaction:expr, $user_id:expr, $notice:expr) => {{
        let notice: $crate::accounts::notices::Notice = $notice;
        sqlx::query($crate::accounts::notices::TELL)
            .bind(uuid::Uuid::now_v7())
            .bind($user_id)
            .bind(notice.detail())
            .bind($crate::time::now_us())
            .execute(&mut *$transaction)
            .await
    }};
}
pub(crate) use tell;

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
    let notice: Notice = serde_json::from_str(&job.detail).map_err(|error| broken(&error))?;
    let Words { subject, what, otherwise, path } = notice.words();
    let mail = email::account_notice(&NoticeMail {
        id: job.id,
        to: &job.email,
        subject: &subject,
        name: job.name.as_deref().unwrap_or_default(),
        what: &what,
        at: &rfc3339(job.created_at / 1_000_000 * 1_000_000),
        otherwise,
        link: &format!("{public_url}{path}"),
    });
    mailer.send(&mail.map_err(|error| broken(&error))?).await
}
