//! Sends what lies in the outbox, in order per rule and recipient, until it is sent or given up; many at once in one message.
//!
//! A row is claimed for a minute; its outcome is written only by the last claimer. A process that dies between sending and
//! writing leaves a row that is sent again, with the same id. A target that fails ten times in a row is only probed until it
//! answers; then everything that waited for it leaves at once.

use super::bundle::{self, Crowd, returning};
use super::history::RecipientKind;
use super::notify::{Job, Notifier, Undelivered};
use super::policy::Policies;
use crate::db::Db;
use crate::email::wait_after;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{HOUR_US, MINUTE_US, Micros, SECOND_US};
use futures::StreamExt;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const CLAIM_US: Micros = MINUTE_US;
/// Rows claimed, and sent, at once.
const BATCH: i64 = 32;
const PARALLEL: usize = 8;
const POLL: Duration = Duration::from_secs(1);
/// How soon a notification is looked at again that waits for something else.
const WAIT_US: Micros = 15 * SECOND_US;
/// A notification that could not even be tried for this long is given up.
const GIVE_UP_US: Micros = 36 * HOUR_US;
const DATABASE_PATIENCE: Duration = Duration::from_secs(10);
/// Failures in a row that open the breaker, and how often the target is probed then.
const BREAKER_FAILURES: u32 = 10;
const PROBE_US: Micros = 15 * SECOND_US;

crate::statements! {
    CLAIM = returning!("UPDATE alert_outbox SET claimed_until = $2, fence = fence + 1 \
        WHERE state = 'queued' AND claimed_until < $1 AND id IN ( \
            SELECT o.id FROM alert_outbox o \
            WHERE o.next_attempt_at <= $1 AND o.state = 'queued' AND o.claimed_until < $1 \
            AND (o.digest_id IS NULL OR o.digest_id = o.id) AND NOT EXISTS ( \
                SELECT 1 FROM alert_outbox e WHERE e.recipient_id = o.recipient_id AND e.state = 'queued' AND e.id < o.id \
                AND e.rule_id = o.rule_id AND e.address = o.address) \
            ORDER BY o.next_attempt_at, o.id LIMIT $3)");
    SENT = "UPDATE alert_outbox SET state = 'sent', attempts = attempts + 1, next_attempt_at = NULL, claimed_until = 0, \
        last_error = NULL, sent_at = $4 WHERE organization_id = $1 AND id = $2 AND fence = $3 AND state = 'queued'";
    RETRY = "UPDATE alert_outbox SET attempts = $4, next_attempt_at = $5, claimed_until = 0, last_error = $6 \
        WHERE organization_id = $1 AND id = $2 AND fence = $3 AND state = 'queued'";
    FAILED = "UPDATE alert_outbox SET state = 'failed', attempts = attempts + 1, next_attempt_at = NULL, claimed_until = 0, \
        last_error = $4 WHERE organization_id = $1 AND id = $2 AND fence = $3 AND state = 'queued'";
    POSTPONED = "UPDATE alert_outbox SET next_attempt_at = $4, claimed_until = 0, last_error = COALESCE($5, last_error) \
        WHERE organization_id = $1 AND id = $2 AND fence = $3 AND state = 'queued'";
    DELIVERY = "INSERT INTO alert_deliveries (organization_id, outbox_id, attempt, at, took_ms, outcome, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (outbox_id, attempt) DO NOTHING";
    // what is held by quiet hours was made for their end, and goes on waiting for it
    WAKE_MAILS = "UPDATE alert_outbox SET next_attempt_at = $1 WHERE state = 'queued' AND next_attempt_at > $1 AND created_at <= $1 \
        AND (address <> '' OR recipient_kind = 'member')";
    WAKE_CHANNEL = "UPDATE alert_outbox SET next_attempt_at = $1 \
        WHERE state = 'queued' AND next_attempt_at > $1 AND created_at <= $1 AND recipient_id = $2";
}

#[derive(Clone)]
pub struct Outbox {
    db: Db,
    notifier: Notifier,
    policies: Policies,
    wake: Arc<Notify>,
    breakers: Arc<Mutex<HashMap<Target, Breaker>>>,
}

/// What fails together: the mail server, or one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Target {
    Mail,
    Channel(Uuid),
}

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    next_probe: Micros,
}

/// A notification that is ours to send until its claim ends.
#[derive(Debug, sqlx::FromRow)]
pub struct Claimed {
    organization_id: Uuid,
    pub id: Uuid,
    recipient_kind: String,
    pub recipient_id: Uuid,
    pub address: String,
    payload: String,
    attempts: i64,
    fence: i64,
    created_at: Micros,
    /// Whether it may be told together with others.
    gathers: bool,
    digest_id: Option<Uuid>,
}

/// What became of a claimed row.
#[derive(Clone)]
enum Outcome {
    Sent(String),
    Retry { reason: String, at: Micros },
    Failed(String),
    Postponed { reason: Option<String>, at: Micros },
}

impl Claimed {
    fn target(&self) -> Target {
        let is_mail = !self.address.is_empty() || self.recipient_kind == RecipientKind::Member.as_str();
        if is_mail { Target::Mail } else { Target::Channel(self.recipient_id) }
    }

    fn job(&self) -> Result<Job, serde_json::Error> {
        let is_member = self.recipient_kind == RecipientKind::Member.as_str();
        Ok(Job {
            scope: TenantScope::of_job(self.organization_id),
            id: self.id,
            recipient_kind: if is_member { RecipientKind::Member } else { RecipientKind::Channel },
            recipient_id: self.recipient_id,
            address: self.address.clone(),
            notice: serde_json::from_str(&self.payload)?,
        })
    }
}

impl Outbox {
    #[must_use]
    pub fn new(db: Db, notifier: Notifier, policies: Policies) -> Self {
        Self { db, notifier, policies, wake: Arc::default(), breakers: Arc::default() }
    }

    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Something was put in.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sends until the shutdown. `now` is the time that all nodes agree on.
    pub async fn run(self, now: impl Fn() -> Micros + Send + Sync + 'static, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_due(&now, &stop).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "cannot read the outbox of notifications"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Sends what is due; tells how many rows were taken.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_due(
        &self,
        now: &(impl Fn() -> Micros + Sync),
        stop: &CancellationToken,
    ) -> Result<usize, sqlx::Error> {
        let started = now();
        let claimed: Vec<Claimed> = patiently(async {
            on!(self.db.write(), pool => sqlx::query_as(CLAIM)
                .bind(started).bind(started + CLAIM_US).bind(BATCH).fetch_all(pool).await)
        })
        .await?;
        let taken = claimed.len();
        if taken > 0 {
            failpoint::reach("outbox-claimed");
        }
        let bundles = self.bundles(claimed, started).await?;
        let sending = futures::stream::iter(bundles).for_each_concurrent(PARALLEL, |rows| async move {
            if let Err(error) = self.send(&rows, now).await {
                tracing::warn!(%error, notification.id = ?rows.first().map(|row| row.id), "cannot write what became of a notification");
            }
        });
        tokio::select! {
            () = sending => {}
            // what is not done is claimed again later, by this node or another one
            () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_secs(10)).await } => {}
        }
        Ok(taken)
    }

    /// What leaves together; what waits for more of its kind is put back.
    async fn bundles(&self, claimed: Vec<Claimed>, now: Micros) -> Result<Vec<Vec<Claimed>>, sqlx::Error> {
        let (mut bundles, mut crowds) = (Vec::new(), BTreeMap::<(Uuid, String), Vec<Claimed>>::new());
        for row in claimed {
            match row.digest_id {
                Some(id) => bundles.push(bundle::rejoin(&self.db, id, now + CLAIM_US).await?),
                None if row.gathers => {
                    crowds.entry((row.recipient_id, row.address.clone())).or_default().push(row);
                }
                None => bundles.push(vec![row]),
            }
        }
        for crowd in crowds.into_values() {
            match self.crowd(&crowd, now).await? {
                Crowd::Alone => bundles.extend(crowd.into_iter().map(|row| vec![row])),
                Crowd::Together => {
                    bundles.push(bundle::join(&self.db, &crowd[0], now + CLAIM_US, now).await?);
                }
                Crowd::Wait(at) => {
                    for row in &crowd {
                        self.write(row, now, 0, &Outcome::Postponed { reason: None, at }).await?;
                    }
                }
            }
        }
        bundles.retain(|rows| !rows.is_empty());
        Ok(bundles)
    }

    async fn crowd(&self, crowd: &[Claimed], now: Micros) -> Result<Crowd, sqlx::Error> {
        let scope = TenantScope::of_job(crowd[0].organization_id);
        // a policy that cannot be read is no reason to tell nobody
        let digest_after = self.policies.of(&scope).await.unwrap_or_default().digest_after;
        let oldest = crowd.iter().map(|row| row.created_at).min().unwrap_or(now);
        let recent = bundle::recent(&self.db, &crowd[0], now).await?;
        Ok(bundle::decide(digest_after, recent, crowd.len(), oldest, now))
    }

    /// Sends one message about all of the rows.
    async fn send(&self, rows: &[Claimed], now: &(impl Fn() -> Micros + Sync)) -> Result<(), sqlx::Error> {
        let target = rows[0].target();
        if let Err(at) = self.admit(target, now()) {
            let postponed = Outcome::Postponed { reason: None, at };
            return self.write_all(rows, now(), 0, |_| postponed.clone()).await;
        }
        let (at, started) = (now(), Instant::now());
        let sent = self.deliver(rows).await;
        failpoint::reach("outbox-sent");
        let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let (probed, is_sent) = (self.note(target, &sent, now()), sent.is_ok());
        self.write_all(rows, at, took_ms, |row| outcome(row, sent.clone(), probed, now())).await?;
        if probed && is_sent {
            self.wake_target(target, now()).await?;
        }
        Ok(())
    }

    async fn deliver(&self, rows: &[Claimed]) -> Result<String, Undelivered> {
        let jobs: Result<Vec<Job>, _> = rows.iter().map(Claimed::job).collect();
        match jobs.as_deref() {
            Ok([job]) => self.notifier.send(job).await,
            Ok(jobs) => self.notifier.send_digest(jobs).await,
            Err(error) => Err(Undelivered::Permanent(format!("what is stored cannot be read: {error}"))),
        }
    }

    async fn write_all(
        &self,
        rows: &[Claimed],
        at: Micros,
        took_ms: i64,
        outcome: impl Fn(&Claimed) -> Outcome,
    ) -> Result<(), sqlx::Error> {
        // The first row of a digest is what it is claimed by: were it written before the others and the database away then, they would
        // wait for it for good.
        for row in rows.iter().rev() {
            patiently(self.write(row, at, took_ms, &outcome(row))).await?;
        }
        Ok(())
    }

    /// Whether the target may be tried now, or when again.
    fn admit(&self, target: Target, now: Micros) -> Result<(), Micros> {
        let mut breakers = self.lock();
        let breaker = breakers.entry(target).or_default();
        let is_open = breaker.failures >= BREAKER_FAILURES;
        if is_open && now < breaker.next_probe && breaker.next_probe <= now + PROBE_US {
            return Err(breaker.next_probe);
        }
        breaker.next_probe = now + PROBE_US;
        Ok(())
    }

    /// Counts an attempt; tells whether the target had failed before it: with an open breaker for a failure, at all for a success.
    fn note(&self, target: Target, sent: &Result<String, Undelivered>, now: Micros) -> bool {
        let mut breakers = self.lock();
        let breaker = breakers.entry(target).or_default();
        match sent {
            Ok(_) => std::mem::take(breaker).failures > 0,
            Err(Undelivered::Temporary(_)) => {
                breaker.failures = breaker.failures.saturating_add(1);
                breaker.next_probe = now + PROBE_US;
                breaker.failures > BREAKER_FAILURES
            }
            Err(_) => false,
        }
    }

    async fn write(
        &self,
        row: &Claimed,
        at: Micros,
        took_ms: i64,
        outcome: &Outcome,
    ) -> Result<(), sqlx::Error> {
        let (organization, attempt) = (row.organization_id, row.attempts + 1);
        let (word, detail) = match outcome {
            Outcome::Sent(detail) => ("sent", detail),
            Outcome::Retry { reason, .. } => ("retry", reason),
            Outcome::Failed(reason) => ("failed", reason),
            Outcome::Postponed { reason, at } => {
                return on!(self.db.write(), pool => sqlx::query(POSTPONED)
                    .bind(organization).bind(row.id).bind(row.fence).bind(at).bind(reason.as_deref())
                    .execute(pool).await.map(|_| ()));
            }
        };
        metrics::counter!("cordwood_alert_notifications_total", "outcome" => word).increment(1);
        on!(self.db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let update = match outcome {
                Outcome::Sent(_) => sqlx::query(SENT).bind(organization).bind(row.id).bind(row.fence).bind(at),
                Outcome::Retry { reason, at } => sqlx::query(RETRY)
                    .bind(organization).bind(row.id).bind(row.fence).bind(attempt).bind(*at).bind(reason),
                Outcome::Failed(reason) => sqlx::query(FAILED)
                    .bind(organization).bind(row.id).bind(row.fence).bind(reason),
                Outcome::Postponed { .. } => return Ok(()),
            };
            if update.execute(&mut *transaction).await?.rows_affected() > 0 {
                sqlx::query(DELIVERY)
                    .bind(organization).bind(row.id).bind(attempt).bind(at).bind(took_ms).bind(word).bind(detail)
                    .execute(&mut *transaction).await?;
            }
            transaction.commit().await
        })
    }

    /// Lets everything leave that waited for a target which answers again.
    async fn wake_target(&self, target: Target, now: Micros) -> Result<(), sqlx::Error> {
        on!(self.db.write(), pool => match target {
            Target::Mail => sqlx::query(WAKE_MAILS).bind(now).execute(pool).await.map(|_| ()),
            Target::Channel(id) => sqlx::query(WAKE_CHANNEL).bind(now).bind(id).execute(pool).await.map(|_| ()),
        })?;
        self.wake();
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Target, Breaker>> {
        self.breakers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The database has limits of its own; this one is for one that is cut off.
async fn patiently<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(DATABASE_PATIENCE, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// `probed`: the attempt was a probe of a target that is known to be down, which does not count against the notification.
fn outcome(row: &Claimed, sent: Result<String, Undelivered>, probed: bool, now: Micros) -> Outcome {
    let too_old = now - row.created_at > GIVE_UP_US;
    match sent {
        Ok(detail) => Outcome::Sent(detail),
        Err(Undelivered::Permanent(reason)) => Outcome::Failed(reason),
        Err(error) if too_old => Outcome::Failed(format!("given up: {error}")),
        Err(Undelivered::Waiting(reason)) => Outcome::Postponed { reason: Some(reason), at: now + WAIT_US },
        Err(Undelivered::Temporary(reason)) if probed => {
            Outcome::Postponed { reason: Some(reason), at: now + PROBE_US }
        }
        Err(Undelivered::Temporary(reason)) => match wait_after(row.attempts + 1) {
            Some(wait) => Outcome::Retry { reason, at: now + wait },
            None => Outcome::Failed(format!("given up after {} attempts: {reason}", row.attempts + 1)),
        },
    }
}
