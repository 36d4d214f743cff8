//! Alerts: rules over queries, their state, and the notifications that follow.
//!
//! `scheduler` takes the rules that are due, `evaluate` asks the search, the state machine of `alert-rules` says what happened, and
//! `store` writes state, history and outbox in one transaction. `outbox` sends what lies there by `notify`, until it is sent or
//! given up. A transition makes one notification id per channel and address, whatever dies in between; what may be sent twice
//! because a mail server took it and nobody heard, carries the same id.

mod as_code;
#[cfg(test)]
mod backtest_tests;
mod bundle;
mod channel_config;
mod channel_http;
pub mod channels;
mod clock;
mod closing;
mod comparison;
mod definition;
mod delivery_log;
#[cfg(test)]
mod delivery_tests;
pub mod evaluate;
mod history;
pub mod http;
mod leases;
#[cfg(test)]
#[path = "../../tests/it/harness/mail_server.rs"]
mod mail_server;
#[cfg(test)]
mod mail_tests;
mod mute_link;
mod notice;
pub mod notify;
mod outbox;
mod policy;
mod preview;
#[cfg(test)]
#[path = "../../tests/it/harness/receiver.rs"]
mod receiver;
mod recorder;
mod retention;
mod scheduler;
mod searcher;
mod series;
mod sharing;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod waiting;
mod why;

use crate::config::Settings;
use crate::db::Db;
use crate::email::Mailer;
use crate::error::{InvalidFields, Problem, ProblemKind};
use crate::outbound::Outbound;
use crate::sealing::Sealer;
use crate::search::SearchError;
use crate::search::execute::Executor;
use crate::shutdown::Shutdown;
use anyhow::Context;
use api_types::problem::FieldProblem;
use api_types::search::Diagnostic;
use channels::Channels;
use clock::Clock;
use notify::Notifier;
use outbox::Outbox;
use policy::Policies;
use retention::Retention;
use scheduler::Scheduler;
use searcher::Searcher;
use std::sync::Arc;
use store::AlertStore;
use uuid::Uuid;

pub use waiting::Waiting;

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, &[(&str, &str)])] = &[
    ("alerts/as_code.rs", as_code::ALL),
    ("alerts/bundle.rs", bundle::ALL),
    ("alerts/channels.rs", channels::ALL),
    ("alerts/delivery_log.rs", delivery_log::ALL),
    ("alerts/history.rs", history::ALL),
    ("alerts/leases.rs", leases::ALL),
    ("alerts/outbox.rs", outbox::ALL),
    ("alerts/policy.rs", policy::ALL),
    ("alerts/retention.rs", retention::ALL),
    ("alerts/store.rs", store::ALL),
    ("alerts/waiting.rs", waiting::ALL),
];

/// What the handlers of this feature share; cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    db: Db,
    /// What all nodes agree on.
    clock: Clock,
    channels: Channels,
    policies: Policies,
    sealer: Sealer,
    store: AlertStore,
    outbox: Outbox,
    searcher: Searcher,
    retention: Retention,
}

impl Alerts {
    /// # Errors
    /// A setting about channels is not understood, or the key that seals their secrets cannot be read or made.
    pub fn new(settings: &Settings, db: Db, mailer: Mailer, executor: Executor) -> anyhow::Result<Self> {
        let sealer = Sealer::of(settings)?;
        let channels = Channels::new(db.clone(), sealer.clone());
        let notifier = Notifier::new(
            channels.clone(),
            sealer.clone(),
            mailer,
            Outbound::new(&settings.outbound_allow_networks)?,
            settings.public_url(),
            settings.pagerduty_url.parse().context("pagerduty_url is not an address")?,
        );
        let policies = Policies::new(db.clone());
        let store = AlertStore::new(db.clone());
        let outbox = Outbox::new(db.clone(), notifier, policies.clone());
        let (clock, searcher) = (Clock::default(), Searcher::new(executor));
        let retention = Retention::new(db.clone(), settings.alert_history_days);
        Ok(Self { db, clock, channels, policies, sealer, store, outbox, searcher, retention })
    }

    /// Evaluates rules, sends notifications and forgets old history on this node until the shutdown.
    pub fn start(&self, node: &str, waiting: Waiting, shutdown: &Shutdown) {
        let clock = self.clock.clone();
        let evaluator = Arc::new(self.searcher.clone());
        let scheduler = Scheduler::new(
            self.store.clone(),
            self.channels.clone(),
            self.policies.clone(),
            evaluator,
            self.outbox.clone(),
            waiting,
            clock.clone(),
            node,
        );
        shutdown.spawn(scheduler.run(shutdown.token()));
        shutdown.spawn(self.retention.clone().run(clock.clone(), shutdown.token()));
        shutdown.spawn(self.outbox.clone().run(move || clock.now(), shutdown.token()));
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error("There is nothing here. Check the address and the id.")]
    NotFound,
    #[error("The name `{name}` is taken: choose another one.")]
    NameTaken { name: String },
    #[error("This channel is still used by {}. Take it out of there first.", .rules.join(", "))]
    ChannelInUse { rules: Vec<String> },
    #[error("The query cannot be used in an alert: {}", .0.first().map(|first| first.message.as_str()).unwrap_or_default())]
    Query(Vec<Diagnostic>),
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    #[error(transparent)]
    Search(SearchError),
    #[error("{0}")]
    Unanswered(String),
    #[error("The test notification could not be delivered: {0}")]
    TestFailed(String),
    #[error("This link is not valid any more: it was cut off, is older than a week, or its alert is gone.")]
    LinkInvalid,
    #[error("The rule is being changed by somebody else right now. Try again.")]
    Contended,
    #[error("what is stored under {id} cannot be read")]
    Unreadable {
        id: Uuid,
        #[source]
        source: anyhow::Error,
    },
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl AlertError {
    fn store(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    /// A unique name that exists already is the author's to change; anything else is ours.
    fn of_name(action: &'static str, name: &str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match &source {
            sqlx::Error::Database(error) if error.is_unique_violation() => {
                Self::NameTaken { name: name.to_owned() }
            }
            _ => Self::Store { action, source },
        }
    }
}

impl Problem for AlertError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NotFound => ProblemKind::NotFound,
            Self::NameTaken { .. } => ProblemKind::Conflict("name_taken"),
            Self::ChannelInUse { .. } => ProblemKind::Conflict("channel_in_use"),
            Self::Query(_) => ProblemKind::Invalid("query_invalid"),
            Self::Fields(_) => ProblemKind::Invalid("invalid"),
            Self::Search(error) => error.kind(),
            Self::Unanswered(_) => ProblemKind::Unavailable { code: "search_unavailable", retry_after_s: 5 },
            Self::TestFailed(_) => ProblemKind::Invalid("delivery_failed"),
            Self::LinkInvalid => ProblemKind::Invalid("link_invalid"),
            Self::Contended => ProblemKind::Conflict("contended"),
            Self::Unreadable { .. } => ProblemKind::Internal,
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Fields(fields) => fields.0.clone(),
            _ => Vec::new(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Query(diagnostics) => diagnostics.clone(),
            _ => Vec::new(),
        }
    }
}
