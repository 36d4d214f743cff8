//! From a request to ClickHouse, so that nothing acknowledged is lost and nothing is stored twice.
//!
//! `http` reads a body (`body`, bounded), has the `event` crate make events of it (`intake`), and hands them to `Ingest::accept`,
//! which returns when they are on disk in the write-ahead log: then the client gets its answer. The `shipper` reads the log on
//! its own, seals stretches of it (`seal`), and brings the batches to the log store (`delivery`, `sink`), however long that is
//! away. What cannot be stored goes to the `dead_letters`. `idempotency` answers repeats, `receipts` tells what became of a
//! batch, `limits` keeps one organization from pushing another aside. Live tails `subscribe` to what is acknowledged.

pub mod accepted;
pub mod body;
pub mod dead_letters;
pub mod delivery;
pub mod http;
pub mod idempotency;
pub mod intake;
pub mod limits;
pub mod receipts;
pub mod rows;
pub mod seal;
pub mod shipper;
pub mod sink;

#[cfg(test)]
mod tests;

use crate::config::Settings;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::shutdown::Shutdown;
use crate::time::{HOUR_US, now_us};
use accepted::{Accepted, Stored};
use anyhow::Context;
use body::BodyLimits;
use dead_letters::DeadLetters;
use delivery::Backoff;
use idempotency::{Claim, Idempotency, Seen};
use limits::{Memory, Rates};
use seal::Seal;
use shipper::{Parts, Shipper};
use sink::LogSink;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast, oneshot};
use wal::{AppendError, Entry, Kind, Lsn, Options, Wal};

/// Bodies that are being worked on take at most this much memory together.
const BODY_MEMORY_BYTES: usize = 128 << 20;
/// A live tail that is this many batches behind loses some, and is told how many.
const TAIL_BATCHES: usize = 1024;

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
}

impl Problem for IngestError {
    fn kind(&self) -> ProblemKind {
        let unavailable = |code, retry_after_s| ProblemKind::Unavailable { code, retry_after_s };
        match self {
            Self::Body(error) => error.kind(),
            Self::Limit(error) => error.kind(),
            Self::Letters(error) => error.kind(),
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

/// The way in. Clones are the same.
#[derive(Clone)]
pub struct Ingest(Arc<Inner>);

struct Inner {
    wal: Arc<Wal>,
    keys: Arc<Idempotency>,
    letters: DeadLetters,
    rates: Rates,
    memory: Memory,
    body_limits: BodyLimits,
    tails: broadcast::Sender<Arc<Accepted>>,
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
        let opened = tokio::task::spawn_blocking(move || open(&folder, options, move || wake.notify_one()));
        let (wal, keys, seals) = opened.await.context("opening the write-ahead log panicked")??;
        let (wal, keys, letters) = (Arc::new(wal), Arc::new(keys), DeadLetters::new(db));
        dead_letters::replay::settle_interrupted(&letters, &keys, wal.id()).await?;
        let shipper = Shipper::new(Parts {
            wal: Arc::clone(&wal),
            committed,
            sink,
            letters: letters.clone(),
            keys: Arc::clone(&keys),
            seals,
            backoff: Backoff::default(),
            stop: shutdown.token(),
        });
        shutdown.spawn(shipper.run());
        let ingest = Self(Arc::new(Inner {
            wal,
            keys,
            letters,
            rates: Rates::new(settings.ingest_bytes_per_second, settings.ingest_events_per_second),
            memory: Memory::new(BODY_MEMORY_BYTES),
            body_limits: BodyLimits::default(),
            tails: broadcast::channel(TAIL_BATCHES).0,
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
        let tails = self.0.tails.clone();
        let begin = Instant::now();
        self.0.wal.append(entry, move |result| {
            if let Ok(lsn) = result {
                if let Some(claim) = claim {
                    claim.acknowledge(lsn);
                }
                // Nobody listening is no error.
                tails.send(Arc::new(accepted)).ok();
            }
            done.send(result).ok();
        });
        let lsn = answer.await.unwrap_or(Err(AppendError::Closed)).map_err(IngestError::Append)?;
        metrics::histogram!("cordwood_ingest_ack_seconds").record(begin.elapsed().as_secs_f64());
        Ok(lsn)
    }

    /// Every request that is acknowledged from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Accepted>> {
        self.0.tails.subscribe()
    }

    #[must_use]
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.0.letters
    }

    pub(crate) fn keys(&self) -> &Idempotency {
        &self.0.keys
    }

    pub(crate) fn log_id(&self) -> [u8; 16] {
        self.0.wal.id()
    }

    async fn housekeeping(self, stop: tokio_util::sync::CancellationToken) {
        let mut last_tidy_us = 0;
        while !stop.is_cancelled() {
            let usage = self.0.wal.usage();
            metrics::gauge!("cordwood_wal_bytes").set(usage.bytes as f64);
            metrics::gauge!("cordwood_wal_capacity_bytes").set(usage.capacity_bytes as f64);
            metrics::gauge!("cordwood_wal_waiting_records").set(usage.waiting_records as f64);
            metrics::gauge!("cordwood_wal_queued_bytes").set(usage.queued_bytes as f64);
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

/// Opens both logs and reads what is waiting: seals for the shipper, keys for repeats.
fn open(
    data_dir: &Path,
    options: Options,
    on_commit: impl Fn() + Send + 'static,
) -> anyhow::Result<(Wal, Idempotency, VecDeque<Seal>)> {
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
    let mut seals = VecDeque::new();
    let mut reader = wal.reader();
    while let Some(record) = reader.next_record()? {
        match record.entry.kind {
            Kind::Control => {
                let seal = Seal::decode(&record.entry.payload);
                seals.extend(seal.filter(|seal| seal.last >= wal.checkpoint()));
            }
            Kind::Data if record.entry.key != [0; 16] => {
                let stored = Stored::decode(record.entry.tenant, &record.entry.payload);
                if let Some(seen) = stored.and_then(|stored| Seen::of_record(&record, &stored.owner)) {
                    keys.restore(seen);
                }
            }
            Kind::Data => {}
        }
    }
    Ok((wal, keys, seals))
}
