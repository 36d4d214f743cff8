//! From a request to ClickHouse, so that nothing acknowledged is lost and nothing is stored twice.
//!
//! `http`, and `protocols` for everybody else's clients, read a body (`arrival`, `body`, bounded), have the `event` crate make
//! events of it (`intake`), and hand them to `Ingest::accept`, which returns when they are on disk in the write-ahead log: then
//! the client gets its answer. The `shipper` reads the log on
//! its own (`gather`), seals stretches of it (`seal`), and brings the batches to the log store (`delivery`, `sink`), however long that is
//! away (`breaker`). What cannot be stored goes to the `dead_letters`. `idempotency` answers repeats, `receipts` tells what became of a
//! batch, `ledger` counts what is stored; `rates` and `limits` keep one organization from pushing another aside. A `Follower` (live tails) is told of what is acknowledged.

pub mod accepted;
pub mod arrival;
pub mod body;
pub mod breaker;
pub mod dead_letters;
pub mod delivery;
pub mod gather;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod intake;
pub mod lag;
pub mod ledger;
pub mod limits;
pub mod protocols;
pub mod rates;
pub mod receipts;
pub mod rows;
pub mod seal;
pub mod shipper;
pub mod sink;

#[cfg(test)]
mod tests;

use crate::auth::IngestKey;
use crate::config::Settings;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::masking::{Masking, MaskingError, Rules};
use crate::runtime::run_on_main;
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use crate::time::{HOUR_US, now_us};
use crate::usage::count::{Amount, KeyId};
use crate::usage::quota::{Quota, QuotaError};
use crate::usage::refusals::Refusals;
use crate::usage::{self, day_of};
use accepted::{Accepted, Stored};
use anyhow::Context;
use body::BodyLimits;
use dead_letters::DeadLetters;
use delivery::Backoff;
use idempotency::{Claim, Idempotency, Seen};
use lag::Lag;
use ledger::Ledger;
use limits::Memory;
use rates::Rates;
use seal::Seal;
use shipper::{Parts, Shipper};
use sink::LogSink;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use wal::{AppendError, Entry, Kind, Lsn, Options, Wal};

/// Bodies that are being worked on take at most this much memory together.
const BODY_MEMORY_BYTES: usize = 128 << 20;
/// Usage is kept for so many days.
const USAGE_DAYS: i64 = 400;

#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Body(#[from] body::BodyError),
    #[error(transparent)]
    Limit(#[from] limits::LimitError),
    #[error(
        "logs come as JSON, NDJSON or text, not as `{0}`; leave Content-Type out and the body itself tells"
    )]
    ContentType(String),
    #[error("{0}")]
    Malformed(#[from] event::BodyError),
    #[error(
        "the body is empty: send an event as a JSON object, several as an array or one per line, or lines of text"
    )]
    Empty,
    #[error("more than {0} events in one request; send smaller batches")]
    TooManyEvents(usize),
    #[error("Idempotency-Key is 1 to 64 visible ASCII characters")]
    BadKey,
    #[error(
        "another body came under this Idempotency-Key within the last 24 hours; use a new key for a new batch"
    )]
    OtherBody,
    #[error("the batch is not stored: {0}; send it again")]
    Append(AppendError),
    #[error(transparent)]
    Letters(#[from] dead_letters::LetterError),
    #[error(transparent)]
    Masking(#[from] MaskingError),
    #[error(transparent)]
    Quota(#[from] QuotaError),
}

impl Problem for IngestError {
    fn kind(&self) -> ProblemKind {
        let unavailable = |code, retry_after_s| ProblemKind::Unavailable { code, retry_after_s };
        match self {
            Self::Body(error) => error.kind(),
            Self::Limit(error) => error.kind(),
            Self::Letters(error) => error.kind(),
            Self::Masking(error) => error.kind(),
            Self::Quota(error) => error.kind(),
            Self::ContentType(_) => ProblemKind::UnsupportedMediaType("unknown_content_type"),
            Self::Malformed(_) => ProblemKind::BadRequest("invalid_json"),
            Self::Empty => ProblemKind::BadRequest("empty_body"),
            Self::TooManyEvents(_) => ProblemKind::TooLarge("too_many_events"),
            Self::BadKey => ProblemKind::BadRequest("invalid_idempotency_key"),
            Self::OtherBody => ProblemKind::Invalid("idempotency_key_reused"),
            Self::Append(AppendError::TooLarge(_)) => ProblemKind::TooLarge("batch_too_large"),
            Self::Append(AppendError::Full) => unavailable("buffer_full", 10),
            Self::Append(AppendError::DiskFull) => unavailable("disk_full", 10),
            Self::Append(AppendError::Busy) => unavailable("busy", 1),
            Self::Append(AppendError::Io(_) | AppendError::Closed) => unavailable("storage_unavailable", 5),
        }
    }
}

/// Somebody who is told of every request that is acknowledged, in the order of the log.
pub trait Follower: Send + Sync {
    /// `number` is the request's in the ids of its events. Called on the log's own thread: it has to return at once.
    fn acknowledged(&self, number: u64, accepted: Accepted);
}

/// The way in. Clones are the same.
#[derive(Clone)]
pub struct Ingest(Arc<Inner>);

struct Inner {
    wal: Arc<Wal>,
    keys: Arc<Idempotency>,
    letters: DeadLetters,
    masking: Masking,
    quota: Quota,
    refusals: Refusals,
    lag: Arc<Lag>,
    rates: Rates,
    memory: Memory,
    body_limits: BodyLimits,
    follower: OnceLock<Arc<dyn Follower>>,
}

impl Ingest {
    /// Opens the write-ahead log in the data folder and starts the shipper, which runs until the server stops.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub async fn start(
        settings: &Settings,
        db: Db,
        sink: Arc<dyn LogSink>,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let committed = Arc::new(Notify::new());
        let wake = Arc::clone(&committed);
        let (folder, options) = (settings.data_dir.clone(), wal_options(settings));
        let quota = Quota::of(settings);
        quota.refresh(&db).await.context("cannot read what organizations may send")?;
        let opened = tokio::task::spawn_blocking(move || open(&folder, options, move || wake.notify_one()));
        let Opened { wal, keys, seals, waiting } =
            opened.await.context("opening the write-ahead log panicked")??;
        let masking = Masking::new(db.clone());
        shutdown.spawn(masking.clone().keep_fresh(shutdown.token()));
        let (wal, keys, letters) = (Arc::new(wal), Arc::new(keys), DeadLetters::new(db.clone()));
        dead_letters::replay::settle_interrupted(&letters, &keys, wal.id()).await?;
        let (next_lsn, lag) = (wal.next_lsn(), Arc::<Lag>::default());
        let ledger = Ledger::start(db, quota.clone(), wal.id(), next_lsn).await?;
        let uncounted = waiting.into_iter().filter(|(lsn, ..)| *lsn >= ledger.counted_before());
        uncounted.for_each(|(_, key, day, amount)| quota.note_accepted(key, day, amount));
        let shipper = Shipper::new(Parts {
            wal: Arc::clone(&wal),
            committed,
            sink,
            letters: letters.clone(),
            keys: Arc::clone(&keys),
            ledger,
            lag: Arc::clone(&lag),
            seals,
            backoff: Backoff::default(),
            stop: shutdown.token(),
        });
        shutdown.spawn(shipper.run());
        let ingest = Self(Arc::new(Inner {
            wal,
            keys,
            letters,
            masking,
            quota,
            refusals: Refusals::default(),
            lag,
            rates: Rates::new(settings.ingest_bytes_per_second, settings.ingest_events_per_second),
            memory: Memory::new(BODY_MEMORY_BYTES),
            body_limits: BodyLimits::default(),
            follower: OnceLock::new(),
        }));
        shutdown.spawn(ingest.clone().housekeeping(shutdown.token()));
        Ok(ingest)
    }

    /// Returns when the request is on disk: from then on it will be in the log store, or in the dead letters.
    ///
    /// Goes on when the caller goes away; a claimed key is kept or given free by what becomes of the request, not of the caller.
    ///
    /// # Errors
    /// When the write-ahead log did not take it: nothing of the request is kept.
    pub async fn accept(&self, accepted: Accepted, claim: Option<Claim>) -> Result<Lsn, IngestError> {
        let (key, hash) =
            claim.as_ref().map_or(([0; 16], [0; 16]), |claim| (claim.seen().key, claim.seen().body));
        let tenant = accepted.owner.organization_id.into_bytes();
        let entry = Entry { kind: Kind::Data, tenant, key, hash, payload: accepted.encode() };
        let (done, answer) = oneshot::channel();
        let (follower, log_id) = (self.0.follower.get().cloned(), self.0.wal.id());
        let (quota, day) = (self.0.quota.clone(), day_of(accepted.owner.received_at_ms * 1000));
        let amount = Amount { events: accepted.rows.count().into(), bytes: accepted.rows.event_bytes() };
        let key_id = (accepted.owner.organization_id, accepted.owner.key_id);
        let begin = Instant::now();
        self.0.wal.append(entry, move |result| {
            if let Ok(lsn) = result {
                if let Some(claim) = claim {
                    claim.acknowledge(lsn);
                }
                quota.note_accepted(key_id, day, amount);
                if let Some(follower) = follower {
                    follower.acknowledged(identity::request_number(&log_id, lsn), accepted);
                }
            }
            done.send(result).ok();
        });
        let lsn = answer.await.unwrap_or(Err(AppendError::Closed)).map_err(IngestError::Append)?;
        metrics::histogram!("cordwood_ingest_ack_seconds").record(begin.elapsed().as_secs_f64());
        Ok(lsn)
    }

    /// Tells this one of every request that is acknowledged from now on. There is one follower; a later one is not told.
    pub fn follow(&self, follower: Arc<dyn Follower>) {
        self.0.follower.set(follower).ok();
    }

    #[must_use]
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.0.letters
    }

    #[must_use]
    pub fn masking(&self) -> &Masking {
        &self.0.masking
    }

    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.0.quota
    }

    #[must_use]
    pub fn lag(&self) -> &Lag {
        &self.0.lag
    }

    /// Notes that a request was refused as a whole, for the organization's own pages.
    pub fn note_refused(&self, key: &IngestKey, code: &str) {
        self.0.refusals.note(key.scope.organization_id(), key.project_id, code);
    }

    /// Whether this key may send now, and what its project masks. For every protocol, before it decodes anything.
    ///
    /// # Errors
    /// 429: the day's quota of its organization or its own is used, or it sends too fast. 503: what is masked is not known and the database does not answer: nothing may be stored.
    pub async fn admit(&self, key: &IngestKey) -> Result<Arc<Rules>, IngestError> {
        let organization_id = key.scope.organization_id();
        self.0.quota.check(organization_id)?;
        if let Some(key_id) = key.key_id {
            let [events, bytes] =
                [key.limits.daily_events, key.limits.daily_bytes].map(Option::unwrap_or_default);
            self.0.quota.check_key((organization_id, key_id), Amount { events, bytes })?;
        }
        self.0.rates.check(key)?;
        if let Some(rules) = self.0.masking.known(&key.scope, key.project_id) {
            return Ok(rules);
        }
        let (masking, scope, project_id) = (self.0.masking.clone(), key.scope, key.project_id);
        Ok(run_on_main(async move { masking.rules(&scope, project_id).await }).await?)
    }

    pub(crate) async fn rules(
        &self,
        scope: &TenantScope,
        project_id: uuid::Uuid,
    ) -> Result<Arc<Rules>, IngestError> {
        Ok(self.0.masking.rules(scope, project_id).await?)
    }

    pub(crate) fn keys(&self) -> &Idempotency {
        &self.0.keys
    }

    pub(crate) fn log_id(&self) -> [u8; 16] {
        self.0.wal.id()
    }

    /// Brings the gauges up to date: what is scraped is what is true now.
    pub fn note_levels(&self) {
        let usage = self.0.wal.usage();
        metrics::gauge!("cordwood_wal_bytes").set(usage.bytes as f64);
        metrics::gauge!("cordwood_wal_capacity_bytes").set(usage.capacity_bytes as f64);
        metrics::gauge!("cordwood_wal_waiting_records").set(usage.waiting_records as f64);
        metrics::gauge!("cordwood_wal_queued_bytes").set(usage.queued_bytes as f64);
        metrics::gauge!("cordwood_wal_oldest_seconds").set(self.0.lag.oldest_waiting_s());
    }

    async fn housekeeping(self, stop: tokio_util::sync::CancellationToken) {
        let mut last_tidy_us = 0;
        while !stop.is_cancelled() {
            self.note_levels();
            self.0.refusals.flush(self.0.letters.db()).await;
            if now_us() - last_tidy_us > HOUR_US {
                last_tidy_us = now_us();
                self.tidy(last_tidy_us).await;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn tidy(&self, now_us: i64) {
        self.0.rates.tidy();
        if let Err(error) = self.0.keys.forget_old(now_us / 1000) {
            tracing::warn!(%error, "old idempotency keys cannot be forgotten");
        }
        if let Err(error) = usage::store::sweep(self.0.letters.db(), day_of(now_us) - USAGE_DAYS).await {
            tracing::warn!(%error, "old usage cannot be forgotten");
        }
        if let Err(error) = self.0.letters.tidy(now_us).await {
            tracing::warn!(%error, "old dead letters cannot be deleted");
        }
    }
}

fn wal_options(settings: &Settings) -> Options {
    Options {
        segment_bytes: settings.wal_segment_bytes,
        capacity_bytes: settings.wal_capacity_bytes,
        reserve_bytes: settings.wal_reserve_bytes,
        reserve_percent: settings.wal_reserve_percent,
        ..Options::default()
    }
}

/// What a start finds on the disk.
struct Opened {
    wal: Wal,
    keys: Idempotency,
    seals: VecDeque<Seal>,
    /// Position, key, day and size of the requests that are not shipped.
    waiting: Vec<(Lsn, KeyId, i64, Amount)>,
}

/// Opens both logs and reads what is waiting: seals for the shipper, keys for repeats.
fn open(data_dir: &Path, options: Options, on_commit: impl Fn() + Send + 'static) -> anyhow::Result<Opened> {
    let (wal, report) = Wal::open(&data_dir.join("wal"), options, on_commit)?;
    metrics::counter!("cordwood_wal_lost_records_total").increment(report.lost_records);
    if report.lost_records > 0 || !report.damage.is_empty() || report.checkpoint_lost {
        tracing::error!(
            lost_records = report.lost_records,
            damage = ?report.damage,
            checkpoint_lost = report.checkpoint_lost,
            "the write-ahead log is damaged; what is intact is used, damaged bytes are in wal/quarantine"
        );
    }
    tracing::info!(
        waiting_records = report.waiting_records,
        torn_bytes = report.torn_bytes,
        "opened the write-ahead log"
    );
    let keys = Idempotency::open(&data_dir.join("idempotency"), now_us() / 1000)?;
    let (mut seals, mut waiting) = (VecDeque::new(), Vec::new());
    let mut reader = wal.reader();
    while let Some(record) = reader.next_record()? {
        match record.entry.kind {
            Kind::Control => {
                let seal = Seal::decode(&record.entry.payload);
                seals.extend(seal.filter(|seal| seal.last >= wal.checkpoint()));
            }
            Kind::Data => {
                let Some(stored) = Stored::decode(record.entry.tenant, &record.entry.payload) else {
                    continue;
                };
                let ((events, bytes), owner) = (stored.amount(), stored.owner);
                let day = day_of(owner.received_at_ms * 1000);
                let key = (owner.organization_id, owner.key_id);
                waiting.push((record.lsn, key, day, Amount { events, bytes }));
                if let Some(seen) = Seen::of_record(&record, &owner) {
                    keys.restore(seen);
                }
            }
        }
    }
    Ok(Opened { wal, keys, seals, waiting })
}
