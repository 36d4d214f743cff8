//! Brings one sealed batch to the log store: tries until it is stored, and takes out the rows that are refused.
//!
//! Whenever it is not known whether an insert was stored, the store is asked before the same rows are sent again, and they go
//! under the same token. So a row is stored once even when the answer was lost and the store's memory of tokens is short.
//! A store that keeps failing is left alone (`breaker`) and only asked whether it answers, until it does.

use super::breaker::{Breaker, PROBE_EVERY};
use super::lag::Lag;
use super::seal::SealedBatch;
use super::sink::{LogSink, SinkError};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// After so many refusals in one batch a refused part is not halved any more: it goes to the dead letters whole.
const MOST_REFUSALS: u32 = 500;
/// Failures between two warnings: about a minute.
const WARN_EVERY: u32 = 12;
/// A store that says nothing for so long will not say anything.
const SILENCE: Duration = Duration::from_secs(120);
/// The same for the question whether it answers.
const PROBE_SILENCE: Duration = Duration::from_secs(5);

/// How long to wait between two tries.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(250), longest: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// Doubles with each failure, and differs between nodes, so that they do not come back all at once.
    fn delay(self, failures: u32) -> Duration {
        let full = self.first.saturating_mul(1 << failures.min(16)).min(self.longest);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// A row that the store will not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    pub row: u32,
    pub reason: String,
}

/// The server is stopping; the batch is sent again after the next start.
#[derive(Debug, PartialEq, Eq)]
pub struct Stopped;

pub struct Delivery {
    sink: Arc<dyn LogSink>,
    backoff: Backoff,
    stop: CancellationToken,
    lag: Arc<Lag>,
    standing: Mutex<Standing>,
}

/// How the store did lately; of all batches that are on their way.
#[derive(Default)]
struct Standing {
    breaker: Breaker,
    /// Tries that failed since the last one that did not.
    failures: u32,
}

struct Part {
    rows: Range<u32>,
    /// It may be stored already.
    unsure: bool,
}

enum Outcome {
    Stored,
    /// Some of the rows are there.
    Partly,
    Refused(String),
    Unavailable(anyhow::Error),
    /// It does not even say that.
    Silent,
}

impl Delivery {
    #[must_use]
    pub fn new(sink: Arc<dyn LogSink>, backoff: Backoff, stop: CancellationToken, lag: Arc<Lag>) -> Self {
        metrics::gauge!("cordwood_shipper_breaker_open").set(0);
        metrics::counter!("cordwood_shipper_breaker_opened_total").increment(0);
        Self { sink, backoff, stop, lag, standing: Mutex::default() }
    }

    /// Returns when every row is stored or refused. `unsure`: an earlier run may have sent the batch.
    ///
    /// # Errors
    /// When the server stops first.
    pub async fn deliver(&self, batch: &SealedBatch, unsure: bool) -> Result<Vec<RefusedRow>, Stopped> {
        let mut parts = vec![Part { rows: 0..batch.row_count(), unsure }];
        let (mut refused, mut refusals) = (Vec::new(), 0);
        while let Some(part) = parts.pop() {
            match self.attempt(batch, &part).await {
                Outcome::Stored => self.note_answer(),
                Outcome::Partly => parts.extend(halves(&part.rows, true)),
                Outcome::Refused(reason) => {
                    self.note_answer();
                    refusals += 1;
                    if part.rows.len() > 1 && refusals < MOST_REFUSALS {
                        parts.extend(halves(&part.rows, part.unsure));
                    } else {
                        let reason = |row| RefusedRow { row, reason: reason.clone() };
                        refused.extend(part.rows.map(reason));
                    }
                }
                Outcome::Unavailable(error) => {
                    self.standing().breaker.note(true, Instant::now());
                    self.pause(&error).await?;
                    parts.push(Part { unsure: true, ..part });
                }
                Outcome::Silent => {
                    self.standing().breaker.open();
                    self.pause(&anyhow::anyhow!("no answer within {} s", SILENCE.as_secs())).await?;
                    parts.push(Part { unsure: true, ..part });
                }
            }
        }
        Ok(refused)
    }

    async fn attempt(&self, batch: &SealedBatch, part: &Part) -> Outcome {
        let tried = tokio::time::timeout(SILENCE, self.try_once(batch, part));
        let outcome = match tried.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(SinkError::Refused(reason))) => Outcome::Refused(reason),
            Ok(Err(SinkError::Unavailable(error))) => Outcome::Unavailable(error),
            Err(_) => Outcome::Silent,
        };
        let label = match &outcome {
            Outcome::Stored => "stored",
            Outcome::Partly => "partly",
            Outcome::Refused(_) => "refused",
            Outcome::Unavailable(_) | Outcome::Silent => "unavailable",
        };
        metrics::counter!("cordwood_shipper_inserts_total", "outcome" => label).increment(1);
        outcome
    }

    async fn try_once(&self, batch: &SealedBatch, part: &Part) -> Result<Outcome, SinkError> {
        let count = part.rows.len() as u32;
        if part.unsure {
            match self.sink.stored(batch, part.rows.clone()).await? {
                0 => {}
                stored if stored >= count => return Ok(Outcome::Stored),
                _ => return Ok(Outcome::Partly),
            }
        }
        let token = token_of(batch, &part.rows);
        self.sink.insert(batch, part.rows.clone(), &token).await?;
        Ok(Outcome::Stored)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_answer(&self) {
        let mut standing = self.standing();
        standing.breaker.note(false, Instant::now());
        if std::mem::take(&mut standing.failures) > 0 {
            self.lag.note_failures(0);
        }
    }

    /// Counts a failure; says how many there were before it, and whether the store is left alone now.
    fn note_failure(&self) -> (u32, bool) {
        let mut standing = self.standing();
        standing.failures += 1;
        self.lag.note_failures(standing.failures);
        (standing.failures - 1, standing.breaker.is_open())
    }

    async fn pause(&self, error: &anyhow::Error) -> Result<(), Stopped> {
        let (failures, is_open) = self.note_failure();
        if failures.is_multiple_of(WARN_EVERY) {
            tracing::warn!(
                error = format!("{error:#}"),
                "the log store does not take batches; they wait in the write-ahead log"
            );
        }
        if is_open {
            return self.until_it_answers().await;
        }
        self.sleep(self.backoff.delay(failures)).await
    }

    /// Sends nothing but a short question every few seconds.
    async fn until_it_answers(&self) -> Result<(), Stopped> {
        tracing::warn!("the log store is left alone until it answers");
        metrics::counter!("cordwood_shipper_breaker_opened_total").increment(1);
        metrics::gauge!("cordwood_shipper_breaker_open").set(1);
        loop {
            self.sleep(PROBE_EVERY).await?;
            if matches!(tokio::time::timeout(PROBE_SILENCE, self.sink.probe()).await, Ok(Ok(()))) {
                break;
            }
        }
        metrics::gauge!("cordwood_shipper_breaker_open").set(0);
        self.standing().breaker.try_again();
        Ok(())
    }

    async fn sleep(&self, delay: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            () = self.stop.cancelled() => Err(Stopped),
        }
    }
}

fn halves(rows: &Range<u32>, unsure: bool) -> [Part; 2] {
    let middle = rows.start + rows.len() as u32 / 2;
    // The first half is on top of the stack.
    [middle..rows.end, rows.start..middle].map(|rows| Part { rows, unsure })
}

fn token_of(batch: &SealedBatch, rows: &Range<u32>) -> String {
    if rows.len() as u32 == batch.row_count() {
        batch.token.clone()
    } else {
        format!("{}:{}-{}", batch.token, rows.start, rows.end)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ingest::seal::{Limits, Seal, Stretch, tests::record};
    use futures::future::BoxFuture;
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    /// What happens to an insert.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// Nothing is stored, and the answer says so.
        Down,
        /// It is stored, and the answer is lost.
        AnswerLost,
    }

    /// A log store in memory that refuses rows with `poison` in the message and fails as told.
    #[derive(Default)]
    pub struct FakeSink {
        state: Mutex<FakeState>,
    }

    #[derive(Default)]
    struct FakeState {
        rows: BTreeMap<(u64, u32), String>,
        tokens: BTreeSet<String>,
        forgets_tokens: bool,
        faults: VecDeque<Fault>,
        always: Option<Fault>,
        inserts: u32,
        doubled: u32,
        probes: u32,
        back_after_probes: Option<u32>,
    }

    impl FakeSink {
        pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
            self.state.lock().unwrap().faults.extend(faults);
        }

        pub fn fail_always(&self, fault: Option<Fault>) {
            self.state.lock().unwrap().always = fault;
        }

        pub fn forget_tokens(&self) {
            self.state.lock().unwrap().forgets_tokens = true;
        }

        pub fn messages(&self) -> Vec<String> {
            let state = self.state.lock().unwrap();
            assert_eq!(state.doubled, 0, "a row was stored twice");
            state.rows.values().cloned().collect()
        }

        pub fn keys(&self) -> Vec<(u64, u32)> {
            self.state.lock().unwrap().rows.keys().copied().collect()
        }

        pub fn inserts(&self) -> u32 {
            self.state.lock().unwrap().inserts
        }
    }

    impl LogSink for FakeSink {
        fn insert<'a>(
            &'a self,
            batch: &'a SealedBatch,
            rows: Range<u32>,
            token: &'a str,
        ) -> BoxFuture<'a, Result<(), SinkError>> {
            let mut state = self.state.lock().unwrap();
            state.inserts += 1;
            let fault = state.faults.pop_front().or(state.always);
            let found: Vec<((u64, u32), String)> = rows
                .map(|row| (batch.keys(&(row..row + 1)).0, batch.row(row).unwrap().2.message.to_owned()))
                .collect();
            let answer = if fault == Some(Fault::Down) {
                Err(SinkError::Unavailable(anyhow::anyhow!("connection refused")))
            } else if found.iter().any(|(_, message)| message.contains("poison")) {
                Err(SinkError::Refused("cannot parse".into()))
            } else {
                if state.tokens.insert(token.to_owned()) || state.forgets_tokens {
                    for (key, message) in found {
                        let doubled = state.rows.insert(key, message).is_some();
                        state.doubled += u32::from(doubled);
                    }
                }
                match fault {
                    Some(_) => Err(SinkError::Unavailable(anyhow::anyhow!("the answer was lost"))),
                    None => Ok(()),
                }
            };
            Box::pin(async { answer })
        }

        fn stored<'a>(
            &'a self,
            batch: &'a SealedBatch,
            rows: Range<u32>,
        ) -> BoxFuture<'a, Result<u32, SinkError>> {
            let state = self.state.lock().unwrap();
            let count =
                rows.filter(|row| state.rows.contains_key(&batch.keys(&(*row..*row + 1)).0)).count() as u32;
            let answer = match state.always {
                Some(Fault::Down) => Err(SinkError::Unavailable(anyhow::anyhow!("connection refused"))),
                _ => Ok(count),
            };
            Box::pin(async { answer })
        }

        fn probe(&self) -> BoxFuture<'_, Result<(), SinkError>> {
            let mut state = self.state.lock().unwrap();
            state.probes += 1;
            // The store comes back once it was asked so often.
            if state.back_after_probes == Some(state.probes) {
                state.always = None;
            }
            let answer = match state.always {
                Some(Fault::Down) => Err(SinkError::Unavailable(anyhow::anyhow!("connection refused"))),
                _ => Ok(()),
            };
            Box::pin(async { answer })
        }
    }

    pub fn quick() -> Backoff {
        Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(2) }
    }

    fn batch(messages: &[&str]) -> SealedBatch {
        let rows: Vec<(i64, &str)> = messages.iter().map(|message| (1, *message)).collect();
        let mut stretch = Stretch::default();
        stretch.push(record(1, &rows, 30));
        let seal = Seal { first: 1, last: 1, limits: Limits::default() };
        stretch.cut(&[7; 16], &seal).remove(0)
    }

    fn delivery(sink: &Arc<FakeSink>) -> Delivery {
        Delivery::new(sink.clone(), quick(), CancellationToken::new(), Arc::default())
    }

    #[tokio::test]
    async fn an_outage_is_waited_out() {
        let sink = Arc::new(FakeSink::default());
        sink.fail([Fault::Down; 4]);

        let refused = delivery(&sink).deliver(&batch(&["a", "b"]), false).await.unwrap();

        assert_eq!((refused, sink.messages()), (vec![], vec!["a".to_owned(), "b".into()]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_keeps_failing_is_only_asked_until_it_answers() {
        let sink = Arc::new(FakeSink::default());
        sink.fail_always(Some(Fault::Down));
        sink.state.lock().unwrap().back_after_probes = Some(100);

        delivery(&sink).deliver(&batch(&["a", "b"]), false).await.unwrap();

        assert_eq!(sink.messages(), ["a", "b"]);
        let state = sink.state.lock().unwrap();
        // Once at first; then it is asked what it has, which fails as well.
        assert_eq!((state.inserts, state.probes), (2, 100));
    }

    #[tokio::test]
    async fn a_lost_answer_doubles_nothing_even_when_tokens_are_forgotten() {
        let sink = Arc::new(FakeSink::default());
        sink.forget_tokens();
        sink.fail([Fault::AnswerLost]);

        delivery(&sink).deliver(&batch(&["a", "b"]), false).await.unwrap();

        assert_eq!((sink.messages(), sink.inserts()), (vec!["a".to_owned(), "b".into()], 1));
    }

    #[tokio::test]
    async fn refused_rows_are_taken_out_one_by_one() {
        let messages: Vec<String> =
            (0..100).map(|i| if i % 33 == 5 { format!("poison {i}") } else { format!("good {i}") }).collect();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let sink = Arc::new(FakeSink::default());

        let mut refused = delivery(&sink).deliver(&batch(&messages), false).await.unwrap();

        refused.sort_by_key(|each| each.row);
        assert_eq!(refused.iter().map(|each| each.row).collect::<Vec<_>>(), [5, 38, 71]);
        assert_eq!(sink.messages().len(), 97);
    }

    #[tokio::test]
    async fn a_run_that_was_cut_off_among_the_halves_is_finished_by_the_next() {
        let batch = batch(&["a", "poison", "c", "d", "e"]);
        let sink = Arc::new(FakeSink::default());
        sink.forget_tokens();
        // The first run stores one half, and then the store goes away.
        let stop = CancellationToken::new();
        let first = Delivery::new(sink.clone(), quick(), stop.clone(), Arc::default());
        sink.insert(&batch, 2..5, "half").await.unwrap();
        sink.fail_always(Some(Fault::Down));
        stop.cancel();
        assert_eq!(first.deliver(&batch, false).await, Err(Stopped));
        sink.fail_always(None);

        let refused = delivery(&sink).deliver(&batch, true).await.unwrap();

        assert_eq!(refused.len(), 1);
        assert_eq!(sink.messages(), ["a", "c", "d", "e"]);
    }

    #[tokio::test]
    async fn a_batch_that_is_refused_as_a_whole_costs_a_bounded_number_of_inserts() {
        let messages = vec!["poison"; 20_000];
        let sink = Arc::new(FakeSink::default());

        let refused = delivery(&sink).deliver(&batch(&messages), false).await.unwrap();

        assert_eq!(refused.len(), 20_000);
        assert!(sink.inserts() < 1_100, "{} inserts", sink.inserts());
    }
}
