//! Carries what is acknowledged from the write-ahead log to the log store, for as long as the server runs.
//!
//! Stretches of the log come sealed and cut from `gather`. Two of them are on their way at once, because one insert keeps one core of
//! the log store busy; they are done with in the order of the log. Then what was rejected or refused is kept as dead letters, the events are
//! counted, and the log may forget the stretch. A crash anywhere in between repeats it with the same bounds. Where the metadata
//! database is away, deliveries go on and the log keeps what still has to be written there: dead letters, keys, counts.

use super::dead_letters::DeadLetters;
use super::dead_letters::letter::Letter;
use super::delivery::{Backoff, Delivery, Stopped};
use super::gather::{Gatherer, Prepared};
use super::idempotency::{Idempotency, Seen};
use super::lag::Lag;
use super::ledger::{Ledger, Tally};
use super::seal::{Seal, SealedBatch};
use super::sink::LogSink;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wal::{AppendError, Lsn, Wal};

/// Stretches that are on their way at once.
const LANES: usize = 2;
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
    wal: Arc<Wal>,
    letters: DeadLetters,
    keys: Arc<Idempotency>,
    ledger: Ledger,
    lag: Arc<Lag>,
    stop: CancellationToken,
    log_id: [u8; 16],
    delivery: Arc<Delivery>,
    gatherer: Option<Gatherer>,
    on_the_way: FuturesOrdered<JoinHandle<Result<Unfinished, Stopped>>>,
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
        let Parts { wal, committed, sink, letters, keys, ledger, lag, seals, backoff, stop } = parts;
        let delivery = Arc::new(Delivery::new(sink, backoff, stop.clone(), Arc::clone(&lag)));
        let gatherer =
            Some(Gatherer::new(Arc::clone(&wal), committed, seals, stop.clone(), Arc::clone(&lag)));
        Self {
            log_id: wal.id(),
            wal,
            letters,
            keys,
            ledger,
            lag,
            stop,
            delivery,
            gatherer,
            on_the_way: FuturesOrdered::new(),
            unfinished: VecDeque::new(),
        }
    }

    /// Runs until the server stops.
    pub async fn run(mut self) {
        let Some(gatherer) = self.gatherer.take() else { return };
        let (ready, mut prepared) = mpsc::channel(1);
        let gathering = tokio::spawn(gatherer.run(ready));
        if self.carry(&mut prepared).await.is_err() {
            tracing::debug!("the shipper leaves the rest in the log");
        }
        drop(prepared);
        gathering.await.expect("reading the log does not panic");
        failpoint::reach("shipper-stopping");
        self.finish().await;
        tracing::info!("the shipper has stopped");
    }

    /// Ends when there is nothing more to come, or the server stops and the log store does not take the rest.
    async fn carry(&mut self, prepared: &mut mpsc::Receiver<Prepared>) -> Result<(), Stopped> {
        let mut more = true;
        while more || !self.on_the_way.is_empty() {
            let may_take = more && self.on_the_way.len() < LANES && self.letters_have_room();
            let has_to_write = !self.unfinished.is_empty() || self.ledger.is_waiting();
            tokio::select! {
                next = prepared.recv(), if may_take => match next {
                    Some(next) => self.send(next),
                    None => more = false,
                },
                Some(stored) = self.on_the_way.next(), if !self.on_the_way.is_empty() => {
                    let stored = stored.expect("delivering does not panic")?;
                    self.lag.note_stored();
                    self.unfinished.push_back(stored);
                    self.finish().await;
                }
                () = tokio::time::sleep(RETRY), if has_to_write => self.finish().await,
                () = self.stop.cancelled(), if more && !may_take && self.on_the_way.is_empty() => return Err(Stopped),
            }
        }
        Ok(())
    }

    fn send(&mut self, prepared: Prepared) {
        let (delivery, log_id) = (Arc::clone(&self.delivery), self.log_id);
        self.on_the_way.push_back(tokio::spawn(async move { deliver(&delivery, &log_id, prepared).await }));
    }

    fn letters_have_room(&self) -> bool {
        let waiting: usize = self.unfinished.iter().flat_map(|each| &each.letters).map(Letter::bytes).sum();
        waiting <= WAITING_LETTER_BYTES
    }

    /// Writes what the stored stretches leave behind, oldest first, and lets the log forget them.
    async fn finish(&mut self) {
        while let Some(next) = self.unfinished.front_mut() {
            if !next.letters.is_empty() {
                if let Err(error) = self.letters.keep(&next.letters).await {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "dead letters wait for the metadata database"
                    );
                    break;
                }
                next.letters.clear();
            }
            match self.keys.keep(&next.keys).await {
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
                self.ledger.add(done.tally, done.done_before);
            }
        }
        let Some(done_before) = self.ledger.write(self.stop.is_cancelled()).await else { return };
        let wal = Arc::clone(&self.wal);
        let advanced = tokio::task::spawn_blocking(move || wal.advance(done_before)).await;
        if let Err(error) = advanced.expect("advancing the log does not panic") {
            // The next round says it again.
            tracing::warn!(%error, "the write-ahead log's checkpoint cannot be written");
        }
    }
}

/// Returns when every row of the stretch is stored or refused.
async fn deliver(delivery: &Delivery, log_id: &[u8; 16], prepared: Prepared) -> Result<Unfinished, Stopped> {
    let Prepared { done_before, batches, unsure, oldest_ms, mut letters, keys, mut tally } = prepared;
    for batch in batches {
        let begin = Instant::now();
        let refused = delivery.deliver(&batch, unsure).await?;
        note_shipped(&batch, refused.len(), begin.elapsed());
        tally.add_stored(&batch, &refused);
        letters.extend(refused.into_iter().filter_map(|each| Letter::of_refused(*log_id, &batch, each)));
    }
    if let Some(oldest_ms) = oldest_ms {
        let lag_ms = crate::time::now_us() / 1000 - oldest_ms;
        metrics::histogram!("cordwood_shipper_lag_seconds").record(lag_ms as f64 / 1000.0);
    }
    Ok(Unfinished { done_before, letters, keys, tally })
}

fn note_shipped(batch: &SealedBatch, refused: usize, took: Duration) {
    metrics::counter!("cordwood_shipper_batches_total").increment(1);
    metrics::counter!("cordwood_shipper_rows_total").increment(u64::from(batch.row_count()) - refused as u64);
    metrics::counter!("cordwood_shipper_refused_rows_total").increment(refused as u64);
    metrics::histogram!("cordwood_shipper_batch_seconds").record(took.as_secs_f64());
}
