//! Live tails: what is acknowledged is pushed to everybody whose query it matches.
//!
//! `Ingest` tells the hub of every acknowledged request (`inbox`: bounded, and it never waits). One thread (`hub`) runs each
//! project's queries over the events, once per distinct query however many watch it (`watch`), and hands the same bytes to all
//! their readers (`reader`). A reader who is too slow loses events and is told how many; a query with more matches than the
//! limit shows a uniform sample and says so. After a cut connection `Last-Event-ID` goes on from there while the event is
//! remembered (`ring`), and a gap is told where it is not. `rights` ends a tail within five seconds of losing the right to read.

mod event_json;
mod frame;
pub mod http;
mod hub;
mod inbox;
mod reader;
mod rights;
mod ring;
#[cfg(test)]
mod tests;
mod watch;

use crate::auth::Auth;
use crate::auth::standing::Standing;
use crate::config::Settings;
use crate::error::{Problem, ProblemKind};
use crate::ingest::Follower;
use crate::ingest::accepted::Accepted;
use crate::search::one_by_one::Question;
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use hub::Hub;
use inbox::Inbox;
use query_lang::sql::EventKey;
use reader::{Place, Reading};
use rights::Rights;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum TailError {
    #[error(
        "Your organization has {limit} live tails open already. Close one, or ask your operator for a higher limit."
    )]
    TooMany { limit: u32 },
    #[error("This node has {limit} live tails open already. Try again shortly.")]
    NodeFull { limit: u32 },
    #[error("The server is stopping. Connect again in a moment.")]
    Stopping,
}

impl Problem for TailError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::TooMany { .. } => {
                ProblemKind::TooManyRequests { code: "too_many_tails", retry_after_s: 10 }
            }
            Self::NodeFull { .. } => ProblemKind::Unavailable { code: "too_many_tails", retry_after_s: 10 },
            Self::Stopping => ProblemKind::Unavailable { code: "stopping", retry_after_s: 2 },
        }
    }
}

/// A project of an organization: nothing passes from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Space {
    organization_id: Uuid,
    project_id: Uuid,
}

impl Space {
    #[must_use]
    pub fn new(scope: &TenantScope, project_id: Uuid) -> Self {
        Self { organization_id: scope.organization_id(), project_id }
    }
}

/// How much is shown to how many.
#[derive(Debug, Clone, Copy)]
struct Limits {
    per_organization: u32,
    per_node: u32,
    /// Beyond so many matches per second a tail is a sample.
    events_per_second: u32,
}

impl Limits {
    fn of(settings: &Settings) -> Self {
        Self {
            per_organization: settings.tails_per_organization,
            per_node: settings.tails_per_node,
            events_per_second: settings.tail_events_per_second.max(1),
        }
    }
}

/// All live tails of this node. Clones are the same.
#[derive(Clone)]
pub struct Tails(Arc<Inner>);

struct Inner {
    inbox: Arc<Inbox>,
    rights: Rights,
    open: Mutex<HashMap<Uuid, u32>>,
    limits: Limits,
    stop: CancellationToken,
}

impl Tails {
    /// Starts the hub's thread and the check of rights; both end when the server stops.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(settings: &Settings, auth: Auth, shutdown: &Shutdown) -> std::io::Result<Self> {
        let limits = Limits::of(settings);
        let inbox = Arc::new(Inbox::default());
        let hub = Hub::new(limits.events_per_second);
        let for_hub = Arc::clone(&inbox);
        std::thread::Builder::new().name("tail".into()).spawn(move || hub.run(&for_hub))?;
        let (rights, stop, for_stop) = (Rights::default(), shutdown.token(), Arc::clone(&inbox));
        shutdown.spawn(rights.clone().watch(auth, stop.clone()));
        let stopped = stop.clone();
        shutdown.spawn(async move {
            stopped.cancelled().await;
            for_stop.close();
        });
        Ok(Self(Arc::new(Inner { inbox, rights, open: Mutex::default(), limits, stop })))
    }

    /// Opens a tail. What is acknowledged from the return on is seen; with `after`, also what came after that event.
    ///
    /// # Errors
    /// Too many are open, or the server is stopping.
    async fn open(
        &self,
        space: Space,
        question: Question,
        standing: Standing,
        after: Option<EventKey>,
    ) -> Result<Reading, TailError> {
        let place = self.place(space.organization_id)?;
        let right = self.0.rights.hold(standing, space.project_id);
        let (reader, reading) = reader::pair(place, right, self.0.stop.clone());
        let (joined, answer) = tokio::sync::oneshot::channel();
        self.0.inbox.join(inbox::Join { space, question, reader, after, joined });
        answer.await.map_err(|_| TailError::Stopping)?;
        Ok(reading)
    }

    /// Takes one of the organization's places; it is given back with what is returned.
    fn place(&self, organization_id: Uuid) -> Result<Place, TailError> {
        let limits = self.0.limits;
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<u32>() >= limits.per_node {
            return Err(TailError::NodeFull { limit: limits.per_node });
        }
        let own = open.entry(organization_id).or_default();
        if *own >= limits.per_organization {
            return Err(TailError::TooMany { limit: limits.per_organization });
        }
        *own += 1;
        metrics::gauge!("cordwood_tail_open").increment(1);
        let tails = self.clone();
        Ok(Place::new(move || tails.leave(organization_id)))
    }

    fn leave(&self, organization_id: Uuid) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&organization_id) {
            *own -= 1;
            if *own == 0 {
                open.remove(&organization_id);
            }
        }
        drop(open);
        metrics::gauge!("cordwood_tail_open").decrement(1);
        self.0.inbox.sweep();
    }
}

impl Follower for Tails {
    fn acknowledged(&self, number: u64, accepted: Accepted) {
        self.0.inbox.offer(number, accepted);
    }
}
