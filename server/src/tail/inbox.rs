//! What waits for the hub: acknowledged requests of projects that somebody watches, and readers who come and go.
//!
//! `offer` is called by the write-ahead log and never waits: what does not fit is counted, and told to the readers.

use super::Space;
use super::reader::Reader;
use crate::ingest::accepted::Accepted;
use crate::ingest::rows::{Owner, Rows};
use crate::search::one_by_one::Question;
use query_lang::sql::EventKey;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Events that wait take at most this much memory.
const WAITING_BYTES: usize = 32 << 20;
/// The hub looks after rates and left readers at least this often.
const TICK: Duration = Duration::from_millis(500);
/// A project that nobody watches any more is still remembered this long, for readers who come back.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// One request that was acknowledged.
#[derive(Debug)]
pub struct Acknowledged {
    pub number: u64,
    pub owner: Owner,
    pub rows: Rows,
}

/// A reader who wants to join.
pub struct Join {
    pub space: Space,
    pub question: Question,
    pub reader: Reader,
    pub after: Option<EventKey>,
    pub joined: oneshot::Sender<()>,
}

/// What the hub does next.
pub enum Work {
    Events(Space, Arc<Acknowledged>),
    /// So many events of the project came faster than they could be looked at.
    Missed(Space, u64),
    Join(Box<Join>),
    /// Time has passed, or somebody has left.
    Tick,
    Stop,
}

#[derive(Default)]
pub struct Inbox {
    /// Until when a project's events are wanted; for ever while somebody watches.
    wanted: RwLock<HashMap<Space, Option<Instant>>>,
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    works: VecDeque<Work>,
    bytes: usize,
    missed: HashMap<Space, u64>,
    closed: bool,
}

impl Inbox {
    /// Takes a request for the readers of its project.
    pub fn offer(&self, number: u64, accepted: Accepted) {
        let Accepted { owner, rows, .. } = accepted;
        let space = Space { organization_id: owner.organization_id, project_id: owner.project_id };
        let wanted = self.wanted.read().unwrap_or_else(PoisonError::into_inner).contains_key(&space);
        if !wanted || rows.is_empty() {
            return;
        }
        let mut queue = self.queue();
        if queue.bytes > 0 && queue.bytes + rows.as_bytes().len() > WAITING_BYTES {
            *queue.missed.entry(space).or_default() += u64::from(rows.count());
            return;
        }
        queue.bytes += rows.as_bytes().len();
        queue.works.push_back(Work::Events(space, Arc::new(Acknowledged { number, owner, rows })));
        self.more.notify_one();
    }

    pub fn join(&self, join: Join) {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        wanted.insert(join.space, None);
        drop(wanted);
        self.push(Work::Join(Box::new(join)));
    }

    /// Nobody watches the project any more.
    pub fn unwatched(&self, space: Space) {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        wanted.insert(space, Some(Instant::now() + REMEMBERED));
    }

    /// Stops listening to projects that nobody came back to, and names them.
    pub fn forget_unwatched(&self) -> Vec<Space> {
        let now = Instant::now();
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        let is_over = |until: &Option<Instant>| until.is_some_and(|until| until < now);
        let over: Vec<Space> =
            wanted.iter().filter(|(_, until)| is_over(until)).map(|(space, _)| *space).collect();
        wanted.retain(|_, until| !is_over(until));
        over
    }

    /// Has the hub look for readers that are gone.
    pub fn sweep(&self) {
        self.push(Work::Tick);
    }

    pub fn close(&self) {
        self.queue().closed = true;
        self.more.notify_one();
    }

    /// The next thing to do; waits for it.
    pub fn next(&self) -> Work {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                // Readers who wait to join are told by the end of their channel.
                queue.works.clear();
                return Work::Stop;
            }
            if let Some(work) = queue.works.pop_front() {
                if let Work::Events(_, events) = &work {
                    queue.bytes -= events.rows.as_bytes().len();
                }
                return work;
            }
            // Behind everything that waited when they were missed.
            if let Some(space) = queue.missed.keys().next().copied() {
                let count = queue.missed.remove(&space).unwrap_or(0);
                return Work::Missed(space, count);
            }
            let (waited, timeout) =
                self.more.wait_timeout(queue, TICK).unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            if timeout.timed_out() && queue.works.is_empty() && !queue.closed {
                return Work::Tick;
            }
        }
    }

    fn push(&self, work: Work) {
        let mut queue = self.queue();
        if !queue.closed {
            queue.works.push_back(work);
        }
        self.more.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
