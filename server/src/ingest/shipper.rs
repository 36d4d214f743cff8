//! Carries what is acknowledged from the write-ahead log to the log store, in order, for as long as the server runs.
//!
//! One round: read a stretch of the log, write its seal to the log, send its batches, keep what was rejected or refused as dead
//! letters, and let the log forget the stretch. A crash anywhere in between repeats the round with the same bounds. Where the
//! metadata database is away, rounds go on and the log keeps what still has to be written there: dead letters, keys, counts.

use super::dead_letters::DeadLetters;
use super::dead_letters::letter::{Letter, Origin};
use super::delivery::{Backoff, Delivery, Stopped};
use super::idempotency::{Idempotency, Seen};
use super::lag::Lag;
use super::ledger::{Ledger, Tally};
use super::seal::{Limits, Seal, SealedBatch, Stretch};
use super::sink::LogSink;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wal::{AppendError, Entry, Kind, Lsn, Reader, Wal};

/// A stretch is sealed this long after its first record was read, or earlier when it is full.
const LINGER: Duration = Duration::from_secs(1);
/// Dead letters that wait for the metadata database take at most this much memory; then the shipper waits with them.
const WAITING_LETTER_BYTES: usize = 64 << 20;
const RETRY: Duration = Duration::from_secs(1);

/// What a shipper works with.
pub struct Parts {
    pub wal: Arc<Wal>,
    /// Notified whenever the log has more to read.
    pub committed: Arc<Notify>,
    pub sink: Arc<dyn LogSink>,
    pub letters: DeadLetters,
    pub keys: Arc<Idempotency>,
    pub ledger: Ledger,
    pub lag: Arc<Lag>,
    /// Seals that were in the log at the start, from the checkpoint on.
    pub seals: VecDeque<Seal>,
    pub backoff: Backoff,
    pub stop: CancellationToken,
}

pub struct Shipper {
    parts: Parts,
    delivery: Delivery,
    limits: Limits,
    /// Away while a blocking thread reads.
    reader: Option<Reader>,
    /// Read, but not of this stretch any more.
    ahead: Option<wal::Record>,
    /// Stored stretches of which something still has to be written to the metadata database, oldest first.
    unfinished: VecDeque<Unfinished>,
}

/// A stretch whose rows are stored.
struct Unfinished {
    done_before: Lsn,
    letters: Vec<Letter>,
    keys: Vec<Seen>,
    tally: Tally,
}

impl Shipper {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let delivery =
            Delivery::new(Arc::clone(&parts.sink), parts.backoff, parts.stop.clone(), Arc::clone(&parts.lag));
        let reader = Some(parts.wal.reader());
        Self { delivery, limits: Limits::default(), reader, ahead: None, unfinished: VecDeque::new(), parts }
    }

    /// Runs until the server stops.
    pub async fn run(mut self) {
        // What is at hand when the server stops is still shipped; the rest waits in the log.
        while let Ok(Some(stretch)) = self.next_stretch().await {
            if self.ship(stretch).await.is_err() || self.parts.stop.is_cancelled() {
                break;
            }
        }
        self.finish().await;
        tracing::info!("the shipper has stopped");
    }

    /// Collects a stretch: a sealed one as it was sealed, or a new one. `None` when the server stops and nothing is at hand.
    async fn next_stretch(&mut self) -> Result<Option<(Stretch, Option<Seal>)>, Stopped> {
        let seal = self.parts.seals.pop_front();
        let mut stretch = Stretch::default();
        let mut deadline = None;
        loop {
            // Asked for before reading: what is committed in between is not missed.
            let committed = Arc::clone(&self.parts.committed);
            let committed = committed.notified();
            let full = self.read_into(&mut stretch, seal).await?;
            // what is read is on its way, and between two stretches of a backlog there is no moment without
            self.parts.lag.note_oldest(stretch.oldest_arrival_ms());
            if full || self.parts.stop.is_cancelled() {
                break;
            }
            if !stretch.is_empty() {
                deadline.get_or_insert_with(|| Instant::now() + LINGER);
            }
            if !self.unfinished.is_empty() || self.parts.ledger.is_waiting() {
                self.finish().await;
            }
            let wake = deadline.unwrap_or_else(|| Instant::now() + RETRY);
            tokio::select! {
                () = committed => {}
                () = tokio::time::sleep_until(wake) => if deadline.is_some() { break },
                () = self.parts.stop.cancelled() => {}
            }
        }
        Ok((!stretch.is_empty() || seal.is_some()).then_some((stretch, seal)))
    }

    /// Reads until the stretch is complete (true) or the log has no more. A disk that cannot be read is tried again.
    async fn read_into(&mut self, stretch: &mut Stretch, seal: Option<Seal>) -> Result<bool, Stopped> {
        loop {
            let mut reader = self.reader.take().expect("put back below");
            let mut ahead = self.ahead.take();
            let mut filled = std::mem::take(stretch);
            let limits = seal.map_or(self.limits, |seal| seal.limits);
            let reading = tokio::task::spawn_blocking(move || {
                let outcome = fill(&mut reader, &mut ahead, &mut filled, seal, limits);
                (reader, ahead, filled, outcome)
            });
            let (reader, ahead, filled, outcome) = reading.await.expect("reading the log does not panic");
            (self.reader, self.ahead, *stretch) = (Some(reader), ahead, filled);
            match outcome {
                Ok(complete) => return Ok(complete),
                Err(error) => {
                    tracing::error!(%error, "the write-ahead log cannot be read");
                    self.rest().await?;
                }
            }
        }
    }

    async fn ship(&mut self, (mut stretch, sealed): (Stretch, Option<Seal>)) -> Result<(), Stopped> {
        if stretch.unreadable > 0 {
            // A newer version wrote these: stopping here keeps them for it.
            tracing::error!(
                records = stretch.unreadable,
                "the write-ahead log holds records of a newer version; shipping stops"
            );
            return Err(Stopped);
        }
        let seal = match sealed {
            Some(seal) => seal,
            None => self.seal(&stretch).await?,
        };
        let log_id = self.parts.wal.id();
        let oldest_ms = stretch.oldest_arrival_ms();
        let mut tally = Tally::of(&stretch);
        let rejected = stretch.take_rejected().into_iter();
        let mut letters: Vec<Letter> = rejected
            .map(|(lsn, owner, each)| Letter::of_rejected(Origin { log_id, lsn }, &owner, each))
            .collect();
        let keys = std::mem::take(&mut stretch.keys);
        for batch in stretch.cut(&log_id, &seal) {
            let begin = Instant::now();
            let refused = self.delivery.deliver(&batch, sealed.is_some()).await?;
            note_shipped(&batch, refused.len(), begin.elapsed());
            tally.add_stored(&batch, &refused);
            letters.extend(refused.into_iter().filter_map(|each| Letter::of_refused(log_id, &batch, each)));
        }
        if let Some(oldest_ms) = oldest_ms {
            let lag_ms = crate::time::now_us() / 1000 - oldest_ms;
            metrics::histogram!("cordwood_shipper_lag_seconds").record(lag_ms as f64 / 1000.0);
        }
        self.unfinished.push_back(Unfinished { done_before: seal.last + 1, letters, keys, tally });
        self.finish().await;
        while self.waiting_letter_bytes() > WAITING_LETTER_BYTES {
            self.rest().await?;
            self.finish().await;
        }
        Ok(())
    }

    /// Puts the bounds on disk, so that a repeat after a crash is the same.
    async fn seal(&self, stretch: &Stretch) -> Result<Seal, Stopped> {
        let seal = Seal { first: stretch.first, last: stretch.last, limits: self.limits };
        loop {
            let entry = Entry {
                kind: Kind::Control,
                tenant: [0; 16],
                key: [0; 16],
                hash: [0; 16],
                payload: seal.encode(),
            };
            let (done, answer) = oneshot::channel();
            self.parts.wal.append(entry, move |result| drop(done.send(result)));
            match answer.await.unwrap_or(Err(AppendError::Closed)) {
                Ok(_) => return Ok(seal),
                Err(AppendError::Closed) => return Err(Stopped),
                Err(error) => {
                    tracing::warn!(%error, "a batch cannot be sealed");
                    self.rest().await?;
                }
            }
        }
    }

    /// Writes what the stored stretches leave behind, oldest first, and lets the log forget them.
    async fn finish(&mut self) {
        while let Some(next) = self.unfinished.front_mut() {
            if !next.letters.is_empty() {
                if let Err(error) = self.parts.letters.keep(&next.letters).await {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "dead letters wait for the metadata database"
                    );
                    break;
                }
                next.letters.clear();
            }
            match self.parts.keys.keep(&next.keys).await {
                Ok(()) => {}
                Err(AppendError::Full) => {
                    tracing::error!("too many idempotency keys in a day: some are forgotten early");
                }
                Err(error) => {
                    tracing::warn!(%error, "idempotency keys cannot be kept");
                    break;
                }
            }
            if let Some(done) = self.unfinished.pop_front() {
                self.parts.ledger.add(done.tally, done.done_before);
            }
        }
        let stopping = self.parts.stop.is_cancelled();
        let Some(done_before) = self.parts.ledger.write(stopping).await else { return };
        let wal = Arc::clone(&self.parts.wal);
        let advanced = tokio::task::spawn_blocking(move || wal.advance(done_before)).await;
        if let Err(error) = advanced.expect("advancing the log does not panic") {
            // The next round says it again.
            tracing::warn!(%error, "the write-ahead log's checkpoint cannot be written");
        }
    }

    fn waiting_letter_bytes(&self) -> usize {
        self.unfinished.iter().flat_map(|each| &each.letters).map(Letter::bytes).sum()
    }

    async fn rest(&self) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => Ok(()),
            () = self.parts.stop.cancelled() => Err(Stopped),
        }
    }
}

/// Adds records to the stretch; true when it is complete.
fn fill(
    reader: &mut Reader,
    ahead: &mut Option<wal::Record>,
    stretch: &mut Stretch,
    seal: Option<Seal>,
    limits: Limits,
) -> std::io::Result<bool> {
    loop {
        let Some(record) = ahead.take().map_or_else(|| reader.next_record(), |record| Ok(Some(record)))?
        else {
            // Nothing behind a seal can be missing but what was lost to damage.
            return Ok(seal.is_some_and(|seal| reader.position() > seal.last));
        };
        let beyond = match seal {
            Some(seal) => record.lsn > seal.last,
            None => is_full(stretch, limits),
        };
        if beyond {
            *ahead = Some(record);
            return Ok(true);
        }
        stretch.push(record);
        if seal.map_or_else(|| is_full(stretch, limits), |seal| stretch.last >= seal.last) {
            return Ok(true);
        }
    }
}

fn is_full(stretch: &Stretch, limits: Limits) -> bool {
    stretch.rows >= u64::from(limits.rows) || stretch.bytes >= u64::from(limits.bytes)
}

fn note_shipped(batch: &SealedBatch, refused: usize, took: Duration) {
    metrics::counter!("cordwood_shipper_batches_total").increment(1);
    metrics::counter!("cordwood_shipper_rows_total").increment(u64::from(batch.row_count()) - refused as u64);
    metrics::counter!("cordwood_shipper_refused_rows_total").increment(refused as u64);
    metrics::histogram!("cordwood_shipper_batch_seconds").record(took.as_secs_f64());
}
