//! Reads the log behind the acknowledgements, and makes stretches of it ready to be sent: first their bounds on disk, then batches.
//!
//! A stretch is read while the ones before it are on their way; so many that are read and not sent take memory, and no more.

use super::dead_letters::letter::{Letter, Origin};
use super::delivery::Stopped;
use super::idempotency::Seen;
use super::lag::Lag;
use super::ledger::Tally;
use super::seal::{Limits, Seal, SealedBatch, Stretch};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wal::{AppendError, Entry, Kind, Lsn, Reader, Wal};

/// A stretch is sealed this long after its first record was read, or earlier when it is full.
const LINGER: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);
/// A stretch is full at so many bytes of the log. Half of what a batch may have: a stretch of one partition is one batch.
const STRETCH_BYTES: u64 = 16 << 20;

/// A stretch that is sealed and cut.
pub struct Prepared {
    pub done_before: Lsn,
    pub batches: Vec<SealedBatch>,
    /// An earlier run may have sent them.
    pub unsure: bool,
    /// When the oldest of its requests arrived.
    pub oldest_ms: Option<i64>,
    /// What was rejected on arrival.
    pub letters: Vec<Letter>,
    pub keys: Vec<Seen>,
    pub tally: Tally,
}

pub struct Gatherer {
    pub wal: Arc<Wal>,
    /// Notified whenever the log has more to read.
    pub committed: Arc<Notify>,
    /// Seals that were in the log at the start, from the checkpoint on.
    pub seals: VecDeque<Seal>,
    pub stop: CancellationToken,
    lag: Arc<Lag>,
    limits: Limits,
    /// Away while a blocking thread reads.
    reader: Option<Reader>,
    /// Read, but not of this stretch any more.
    ahead: Option<wal::Record>,
}

impl Gatherer {
    #[must_use]
    pub fn new(
        wal: Arc<Wal>,
        committed: Arc<Notify>,
        seals: VecDeque<Seal>,
        stop: CancellationToken,
        lag: Arc<Lag>,
    ) -> Self {
        let reader = Some(wal.reader());
        Self { wal, committed, seals, stop, lag, limits: Limits::default(), reader, ahead: None }
    }

    /// Runs until the server stops: what is at hand then is still made ready; the rest waits in the log.
    pub async fn run(mut self, ready: mpsc::Sender<Prepared>) {
        // A place is taken first: what waits for one is not read yet.
        while let Ok(place) = ready.reserve().await {
            let Ok(Some((stretch, seal))) = self.next_stretch().await else { break };
            let Ok(prepared) = self.prepare(stretch, seal).await else { break };
            self.lag.note_sent(prepared.oldest_ms);
            place.send(prepared);
            if self.stop.is_cancelled() {
                break;
            }
        }
    }

    /// Collects a stretch: a sealed one as it was sealed, or a new one. `None` when the server stops and nothing is at hand.
    async fn next_stretch(&mut self) -> Result<Option<(Stretch, Option<Seal>)>, Stopped> {
        let seal = self.seals.pop_front();
        let mut stretch = Stretch::default();
        let mut deadline = None;
        loop {
            // Asked for before reading: what is committed in between is not missed.
            let committed = Arc::clone(&self.committed);
            let committed = committed.notified();
            let full = self.read_into(&mut stretch, seal).await?;
            // What is read is on its way: between two stretches of a backlog there is no moment without.
            self.lag.note_read(stretch.oldest_arrival_ms());
            if full || self.stop.is_cancelled() {
                break;
            }
            if !stretch.is_empty() {
                deadline.get_or_insert_with(|| Instant::now() + LINGER);
            }
            let wake = deadline.unwrap_or_else(|| Instant::now() + RETRY);
            tokio::select! {
                () = committed => {}
                () = tokio::time::sleep_until(wake) => if deadline.is_some() { break },
                () = self.stop.cancelled() => {}
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

    /// Seals a stretch that is not sealed yet, and cuts it into batches.
    async fn prepare(&self, mut stretch: Stretch, sealed: Option<Seal>) -> Result<Prepared, Stopped> {
        if stretch.unreadable > 0 {
            // A newer version wrote these: stopping here keeps them for it.
            tracing::error!(
                records = stretch.unreadable,
                "the write-ahead log holds records of a newer version; shipping stops"
            );
            return Err(Stopped);
        }
        failpoint::reach("before-seal");
        let seal = match sealed {
            Some(seal) => seal,
            None => self.seal(&stretch).await?,
        };
        failpoint::reach("sealed");
        let log_id = self.wal.id();
        let oldest_ms = stretch.oldest_arrival_ms();
        let tally = Tally::of(&stretch);
        let letter = |(lsn, owner, each)| Letter::of_rejected(Origin { log_id, lsn }, &owner, each);
        let letters = stretch.take_rejected().into_iter().map(letter).collect();
        let keys = std::mem::take(&mut stretch.keys);
        let cutting = tokio::task::spawn_blocking(move || {
            let begin = Instant::now();
            let batches = stretch.cut(&log_id, &seal);
            metrics::histogram!("cordwood_shipper_encode_seconds").record(begin.elapsed().as_secs_f64());
            batches
        });
        let batches = cutting.await.expect("cutting a stretch does not panic");
        let done_before = seal.last + 1;
        Ok(Prepared { done_before, batches, unsure: sealed.is_some(), oldest_ms, letters, keys, tally })
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
            self.wal.append(entry, move |result| drop(done.send(result)));
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

    async fn rest(&self) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => Ok(()),
            () = self.stop.cancelled() => Err(Stopped),
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
    stretch.rows >= u64::from(limits.rows) || stretch.bytes >= STRETCH_BYTES
}
