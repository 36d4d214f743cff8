//! Mails an organization's owners and admins when a day's quota is nearly or wholly used: each of them once per day and level.
//!
//! The row of a warning is the job that mails it; a repeat after a crash carries the same Message-ID.

use super::count::Amount;
use super::quota::{Quota, WARN_AT};
use super::{UsageError, day_of, day_text, failed};
use crate::db::Db;
use crate::email::{self, MailError, Mailer, QuotaMail, wait_after};
use crate::on;
use crate::time::{MINUTE_US, Micros, now_us};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const LOOK: Duration = Duration::from_secs(10);
/// A mail that is being sent is left alone by other nodes for so long.
const CLAIM_US: Micros = 2 * MINUTE_US;

crate::statements! {
    WARN = "INSERT INTO quota_notices (organization_id, day, percent, user_id, tries, next_try_at) \
        SELECT m.organization_id, $2, $3, m.user_id, 0, $4 FROM memberships m \
        WHERE m.organization_id = $1 AND m.role IN ('owner', 'admin') \
        ON CONFLICT (organization_id, day, percent, user_id) DO NOTHING";
    DUE = "SELECT n.organization_id, n.day, n.percent, n.user_id, n.tries, u.email, u.name, o.name AS organization \
        FROM quota_notices n JOIN users u ON u.id = n.user_id JOIN organizations o ON o.id = n.organization_id \
        WHERE n.sent_at IS NULL AND n.next_try_at <= $1 ORDER BY n.next_try_at LIMIT 100";
    CLAIM = "UPDATE quota_notices SET tries = tries + 1, next_try_at = $5 \
        WHERE organization_id = $1 AND day = $2 AND percent = $3 AND user_id = $4 AND sent_at IS NULL AND tries = $6";
    SENT = "UPDATE quota_notices SET sent_at = $5 \
        WHERE organization_id = $1 AND day = $2 AND percent = $3 AND user_id = $4";
    LATER = "UPDATE quota_notices SET next_try_at = $5 \
        WHERE organization_id = $1 AND day = $2 AND percent = $3 AND user_id = $4";
    SWEEP = "DELETE FROM quota_notices WHERE day < $1";
}

#[derive(Debug, sqlx::FromRow)]
struct Due {
    organization_id: Uuid,
    day: i64,
    percent: i64,
    user_id: Uuid,
    tries: i64,
    email: String,
    name: String,
    organization: String,
}

/// Warns until told to stop.
pub async fn run(db: Db, quota: Quota, mailer: Mailer, public_url: String, stop: CancellationToken) {
    loop {
        let round = async {
            quota.refresh(&db).await?;
            warn(&db, &quota).await?;
            send_due(&db, &quota, &mailer, &public_url).await
        };
        if let Err(error) = round.await {
            tracing::debug!(%error, "quotas could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = quota.crossed() => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn warn(db: &Db, quota: &Quota) -> Result<(), UsageError> {
    let now = now_us();
    for (organization_id, used_percent) in quota.to_be_warned() {
        for percent in WARN_AT.into_iter().filter(|percent| used_percent >= *percent) {
            on!(db.write(), pool => sqlx::query(WARN)
                .bind(organization_id).bind(day_of(now)).bind(percent as i64).bind(now)
                .execute(pool).await.map(|_| ()))
            .map_err(failed("note a quota warning"))?;
        }
    }
    on!(db.write(), pool => sqlx::query(SWEEP).bind(day_of(now) - 7).execute(pool).await.map(|_| ()))
        .map_err(failed("forget old quota warnings"))
}

async fn send_due(db: &Db, quota: &Quota, mailer: &Mailer, public_url: &str) -> Result<(), UsageError> {
    let due: Vec<Due> = on!(db.read(), pool => sqlx::query_as(DUE).bind(now_us()).fetch_all(pool).await)
        .map_err(failed("list quota warnings"))?;
    for notice in due {
        if claim(db, &notice).await? {
            send(db, quota, mailer, public_url, &notice).await?;
        }
    }
    Ok(())
}

async fn claim(db: &Db, notice: &Due) -> Result<bool, UsageError> {
    on!(db.write(), pool => sqlx::query(CLAIM)
        .bind(notice.organization_id).bind(notice.day).bind(notice.percent).bind(notice.user_id)
        .bind(now_us() + CLAIM_US).bind(notice.tries)
        .execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed("claim a quota warning"))
}

async fn send(
    db: &Db,
    quota: &Quota,
    mailer: &Mailer,
    public_url: &str,
    notice: &Due,
) -> Result<(), UsageError> {
    let limit = quota.limit(notice.organization_id);
    if limit == Amount::default() {
        // It got another plan since: there is nothing left to warn of.
        return note(db, notice, SENT, now_us()).await;
    }
    let mail = email::quota_warning(&QuotaMail {
        id: id_of(notice),
        to: &notice.email,
        name: &notice.name,
        organization: &notice.organization,
        percent: notice.percent,
        day: &day_text(notice.day),
        daily_events: limit.events,
        daily_bytes: limit.bytes,
        link: &format!("{public_url}/usage"),
    });
    let outcome = match &mail {
        Ok(mail) => mailer.send(mail).await,
        Err(error) => Err(MailError::Permanent(error.to_string())),
    };
    let (statement, at) = match outcome {
        Ok(()) => (SENT, now_us()),
        Err(MailError::Temporary(_)) if wait_after(notice.tries + 1).is_some() => {
            (LATER, now_us() + wait_after(notice.tries + 1).unwrap_or(MINUTE_US))
        }
        Err(error) => {
            tracing::warn!(%error, "a quota warning cannot be mailed");
            (SENT, now_us())
        }
    };
    note(db, notice, statement, at).await
}

async fn note(db: &Db, notice: &Due, statement: &'static str, at: Micros) -> Result<(), UsageError> {
    on!(db.write(), pool => sqlx::query(statement)
        .bind(notice.organization_id).bind(notice.day).bind(notice.percent).bind(notice.user_id).bind(at)
        .execute(pool).await.map(|_| ()))
    .map_err(failed("note that a quota warning was mailed"))
}

/// The same for every try.
fn id_of(notice: &Due) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(notice.organization_id);
    hash.update(notice.user_id);
    hash.update(notice.day.to_le_bytes());
    hash.update(notice.percent.to_le_bytes());
    let hash = hash.finalize();
    uuid::Builder::from_random_bytes(std::array::from_fn(|i| hash[i])).into_uuid()
}
