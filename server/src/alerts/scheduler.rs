//! Evaluates the rules that are due, as long as this node leases their shards.
//!
//! An evaluation reads the rule, asks the search, steps the state machine, and writes everything at once; when the lease was lost
//! or the rule was changed meanwhile, nothing is written and whoever holds the rule now evaluates it again.

use super::AlertError;
use super::channels::Channels;
use super::clock::Clock;
use super::comparison;
use super::definition::Definition;
use super::evaluate::{Ask, Evaluate, Evaluation, Failure, Labels, Lines};
use super::history::{Context, History};
use super::leases::{LEASE_US, Leases, RENEW_US};
use super::notice::{SAMPLES, SINGLE_MESSAGES};
use super::outbox::Outbox;
use super::policy::{self, Policies};
use super::recorder::Recorder;
use super::sharing::Shared;
use super::store::{AlertStore, Outcome, StoredRule};
use super::waiting::Waiting;
use crate::time::Micros;
use alert_rules::{CATCH_UP_US, Kind, Notify, Observation, Transition, step};
use api_types::alerts::NotificationPolicy;
use futures::FutureExt;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the database is asked for due rules.
const TICK: Duration = Duration::from_millis(500);
/// Rules read at once, and evaluated at once.
const BATCH: i64 = 256;
const PARALLEL: usize = 16;
/// The search has its own limit; this one is for an engine that hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// The database has limits of its own; this one is for one that is cut off.
const DATABASE_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Scheduler {
    store: AlertStore,
    recorder: Recorder,
    leases: Leases,
    channels: Channels,
    policies: Policies,
    evaluator: Arc<dyn Evaluate>,
    outbox: Outbox,
    waiting: Waiting,
    clock: Clock,
    running: Arc<Mutex<HashSet<Uuid>>>,
    places: Arc<Semaphore>,
}

impl Scheduler {
    #[must_use]
    #[allow(clippy::too_many_arguments, reason = "each is one of its parts")]
    pub fn new(
        store: AlertStore,
        channels: Channels,
        policies: Policies,
        evaluator: Arc<dyn Evaluate>,
        outbox: Outbox,
        waiting: Waiting,
        clock: Clock,
        node: &str,
    ) -> Self {
        let leases = Leases::new(store.db().clone(), node);
        let evaluator: Arc<dyn Evaluate> = Arc::new(Shared::new(evaluator));
        let places = Arc::new(Semaphore::new(PARALLEL));
        let recorder = Recorder::start(store.clone(), leases.owner().to_owned());
        let running = Arc::default();
        Self {
            store,
            recorder,
            leases,
            channels,
            policies,
            evaluator,
            outbox,
            waiting,
            clock,
            running,
            places,
        }
    }

    /// As which it holds leases.
    #[cfg(test)]
    pub fn owner(&self) -> &str {
        self.leases.owner()
    }

    /// Evaluates until the shutdown, then gives the leases back.
    pub async fn run(self, stop: CancellationToken) {
        let lease = micros(LEASE_US);
        let (mut renewed, mut rest) = (None, Duration::ZERO);
        while !stop.is_cancelled() {
            if renewed.is_none_or(|at: Instant| at.elapsed() >= rest) {
                let asked = Instant::now();
                match tokio::time::timeout(micros(RENEW_US), self.renew()).await {
                    Ok(Ok(until)) => (renewed, rest) = (Some(asked), until),
                    Ok(Err(error)) => tracing::warn!(%error, "cannot renew the leases of alert rules"),
                    Err(_) => tracing::warn!("cannot renew the leases of alert rules: no answer"),
                }
            }
            if renewed.is_some_and(|at| at.elapsed() < lease) {
                self.start_due().await;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        let _ =
            tokio::time::timeout(PATIENCE, self.places.acquire_many(u32::try_from(PARALLEL).unwrap_or(1)))
                .await;
        if let Err(error) = self.leases.release().await {
            tracing::warn!(%error, "cannot give back the leases of alert rules");
        }
    }

    /// Looks at the database's clock, renews the leases and takes what is free. Tells when to do so again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn renew(&self) -> Result<Duration, AlertError> {
        self.clock.look(self.store.db()).await.map_err(AlertError::store("read the database's clock"))?;
        let now = self.clock.now();
        let held = self.leases.renew(now).await.map_err(AlertError::store("renew leases"))?;
        metrics::gauge!("cordwood_alert_shards").set(held as f64);
        self.waiting.look(now).await.map_err(AlertError::store("ask what waits on other nodes"))?;
        self.store.rearm(self.leases.owner(), now).await?;
        Ok(micros(self.leases.rest(now).await.map_err(AlertError::store("read leases"))?))
    }

    /// Whether events that belong into the rule's window are still on their way. After some minutes they are not waited for.
    fn waits(&self, rule: &StoredRule, now: Micros) -> bool {
        let (Some(oldest), Some(last)) = (self.waiting.oldest(), rule.last_slot) else { return false };
        let schedule = rule.definition.schedule();
        let slot = schedule.due(rule.last_slot, now).unwrap_or(now);
        let (_, to_us) = schedule.window(slot, rule.definition.window_us);
        oldest < to_us && now - last < rule.definition.every_us + CATCH_UP_US
    }

    /// Evaluates everything that is due at `now` and waits for it; for tests. Tells how many evaluations counted.
    ///
    /// # Errors
    /// The database does not answer.
    #[cfg(test)]
    pub async fn run_due(&self, now: Micros) -> Result<usize, AlertError> {
        let mut counted = 0;
        let due = self.store.due(self.leases.owner(), now, BATCH).await?;
        for rule in due.into_iter().filter(|rule| !self.waits(rule, now)) {
            counted += usize::from(self.evaluate(&rule, now).await?);
        }
        Ok(counted)
    }

    async fn start_due(&self) {
        let now = self.clock.now();
        let due = self.store.due(self.leases.owner(), now, BATCH);
        let due = match tokio::time::timeout(DATABASE_PATIENCE, due).await {
            Ok(Ok(due)) => due,
            Ok(Err(error)) => return tracing::warn!(%error, "cannot read the due alert rules"),
            Err(_) => return tracing::warn!("cannot read the due alert rules: no answer"),
        };
        for rule in due {
            if self.waits(&rule, now) || !self.lock().insert(rule.id) {
                continue;
            }
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            let scheduler = self.clone();
            tokio::spawn(async move {
                let evaluated =
                    std::panic::AssertUnwindSafe(scheduler.evaluate(&rule, scheduler.clock.now()));
                match evaluated.catch_unwind().await {
                    Ok(Ok(true)) => {}
                    Ok(Ok(false)) => tracing::debug!(rule.id = %rule.id, "an evaluation did not count"),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, rule.id = %rule.id, "cannot record an evaluation")
                    }
                    Err(_) => tracing::error!(rule.id = %rule.id, "an evaluation panicked"),
                }
                scheduler.lock().remove(&rule.id);
                drop(place);
            });
        }
    }

    /// Evaluates one rule. Tells whether it counted.
    pub(super) async fn evaluate(&self, rule: &StoredRule, now: Micros) -> Result<bool, AlertError> {
        let schedule = rule.definition.schedule();
        // a rule that was just changed is looked at between its slots
        let slot = schedule.due(rule.last_slot, now).unwrap_or(now);
        let (from_us, to_us) = schedule.window(slot, rule.definition.window_us);
        let ask = rule.definition.ask(&rule.sight(), rule.project_id, from_us, to_us);
        let started = Instant::now();
        let answer = match rule.unbound() {
            Some(reason) => Err(Failure { reason: reason.to_owned(), lasting: true }),
            None => ask_with_patience(&*self.evaluator, &rule.definition, &ask).await,
        };
        let took = started.elapsed();
        let outcome = self.outcome(rule, &ask, answer, slot, now, took).await?;
        let (failed, tells) = (outcome.error.is_some(), !outcome.history.notifications.is_empty());
        let counted = self.recorder.record(rule, outcome).await?;
        if counted && tells {
            self.outbox.wake();
        }
        let result = match (counted, failed) {
            (false, _) => "lost",
            (true, true) => "failed",
            (true, false) => "ok",
        };
        metrics::counter!("cordwood_alert_evaluations_total", "outcome" => result).increment(1);
        metrics::histogram!("cordwood_alert_lag_seconds").record(micros(now - slot).as_secs_f64());
        metrics::histogram!("cordwood_alert_evaluation_seconds").record(took.as_secs_f64());
        Ok(counted)
    }

    async fn outcome(
        &self,
        rule: &StoredRule,
        ask: &Ask,
        answer: Result<Evaluation, Failure>,
        slot: Micros,
        now: Micros,
        took: Duration,
    ) -> Result<Outcome, AlertError> {
        let (evaluation, observation, error) = match answer {
            Ok(evaluation) => (Some(evaluation.clone()), evaluation.observation(), None),
            Err(Failure { reason, lasting }) => {
                (None, Observation::Failed { reason: reason.clone(), lasting }, Some(reason))
            }
        };
        let evaluation = evaluation.unwrap_or_default();
        let machine = rule.definition.rule(evaluation.grouped);
        let value = evaluation.worst(machine.condition);
        let policy = self.policies.of(&rule.scope).await?;
        let mutes = policy::mutes(&policy, rule.id, &rule.definition, &rule.mutes, now);
        let (memory, transitions) = step(rule.memory.clone(), observation, now, &machine, &mutes);
        let state = memory.overall();
        let history = self.history(rule, &policy, ask, &evaluation, &memory, &transitions).await?;
        Ok(Outcome {
            slot,
            next_due: rule.definition.schedule().next_after(slot),
            evaluated_at: now,
            took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            since: if state.as_str() == rule.state { rule.since } else { now },
            state,
            value,
            group_count: i64::try_from(evaluation.groups.len()).unwrap_or(i64::MAX),
            error,
            memory,
            history,
        })
    }

    async fn history(
        &self,
        rule: &StoredRule,
        policy: &NotificationPolicy,
        ask: &Ask,
        evaluation: &Evaluation,
        memory: &alert_rules::RuleState,
        transitions: &[Transition],
    ) -> Result<History, AlertError> {
        let told = transitions.iter().any(|each| each.notify != Notify::No);
        let (channels, lines, recent) = if told {
            let channels =
                self.channels.of_ids(&rule.scope, &policy::channel_ids(policy, &rule.definition)).await?;
            let recent = super::history::recent_values(self.store.db(), rule.id).await?;
            (channels, self.lines(ask, evaluation, transitions).await, recent)
        } else {
            (Vec::new(), HashMap::new(), Vec::new())
        };
        let context = Context {
            rule,
            channels: &channels,
            memory,
            column: &evaluation.column,
            from_us: ask.from_us,
            to_us: ask.to_us,
            lines: &lines,
            recent: &recent,
            policy,
        };
        Ok(History::of(transitions, &context))
    }

    /// Sample lines for the messages that will be written: by group, or together when there are many. A message without lines is
    /// better than none.
    async fn lines(
        &self,
        ask: &Ask,
        evaluation: &Evaluation,
        transitions: &[Transition],
    ) -> HashMap<String, Lines> {
        let labels = evaluation.labels();
        let bad = |each: &&Transition| {
            each.notify != Notify::No && matches!(each.kind, Kind::Fired | Kind::Renotified)
        };
        let told: Vec<_> = transitions.iter().filter(bad).collect();
        let groups: Vec<(String, Labels)> = if told.len() > SINGLE_MESSAGES {
            vec![(String::new(), Labels::new())]
        } else {
            told.iter()
                .filter_map(|each| Some((each.group.clone(), labels.get(&each.group)?.clone())))
                .collect()
        };
        let mut lines = HashMap::new();
        for (group, labels) in groups {
            let found = tokio::time::timeout(PATIENCE, self.evaluator.lines(ask, &labels, SAMPLES)).await;
            match found {
                Ok(Ok(found)) => drop(lines.insert(group, found)),
                Ok(Err(error)) => tracing::warn!(%error, "cannot fetch sample lines for a message"),
                Err(_) => tracing::warn!("sample lines for a message took too long"),
            }
        }
        lines
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn ask_with_patience(
    evaluator: &dyn Evaluate,
    definition: &Definition,
    ask: &Ask,
) -> Result<Evaluation, Failure> {
    let too_long = || Failure { reason: "The query took too long.".into(), lasting: false };
    let evaluation = comparison::evaluate(evaluator, definition, ask);
    tokio::time::timeout(PATIENCE, evaluation).await.unwrap_or_else(|_| Err(too_long()))
}

fn micros(us: Micros) -> Duration {
    Duration::from_micros(us.max(0).unsigned_abs())
}
