//! Appends entries for the whole process: those that wait at the same moment share one transaction.

use super::{Entry, store};
use crate::db::Db;
use crate::shutdown::Shutdown;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Entries that may wait; beyond it whoever has one more waits too.
const QUEUE: usize = 4_096;
const BATCH: usize = 256;
/// How long a change waits for its entry. It has happened already, so it is not failed for this.
const PATIENCE: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_secs(1);

struct Job {
    entry: Entry,
    stored: Option<oneshot::Sender<()>>,
}

#[derive(Clone)]
pub struct Writer {
    db: Db,
    inbox: mpsc::Sender<Job>,
}

impl Writer {
    pub fn start(db: Db, shutdown: &Shutdown) -> Self {
        let (inbox, jobs) = mpsc::channel(QUEUE);
        shutdown.spawn(run(db.clone(), jobs, shutdown.token()));
        Self { db, inbox }
    }

    /// Returns when the entry is stored, or after a few seconds in which the database did not answer.
    pub async fn store(&self, entry: Entry) {
        let (stored, told) = oneshot::channel();
        let action = entry.action;
        self.send(Job { entry, stored: Some(stored) }).await;
        if tokio::time::timeout(PATIENCE, told).await.is_err() {
            tracing::warn!(action, "the audit entry of {action} waits for the database");
        }
    }

    /// Returns when the entry has its place in the queue.
    pub async fn note(&self, entry: Entry) {
        self.send(Job { entry, stored: None }).await;
    }

    async fn send(&self, job: Job) {
        // The writer has ended while the last requests were still answered: then each stores its own.
        if let Err(mpsc::error::SendError(job)) = self.inbox.send(job).await
            && let Err(error) = store::append(&self.db, &[job.entry]).await
        {
            tracing::error!(%error, "an audit entry could not be stored while stopping");
        }
    }
}

async fn run(db: Db, mut jobs: mpsc::Receiver<Job>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            _ = jobs.recv_many(&mut batch, BATCH) => {}
            () = stop.cancelled() => {
                jobs.close();
                jobs.recv_many(&mut batch, QUEUE).await;
            }
        }
        if batch.is_empty() {
            return;
        }
        store_all(&db, std::mem::take(&mut batch), &stop).await;
    }
}

/// Stores a batch, again and again until it works; gives up only when the process stops.
async fn store_all(db: &Db, batch: Vec<Job>, stop: &CancellationToken) {
    let (mut entries, waiting): (Vec<Entry>, Vec<_>) =
        batch.into_iter().map(|job| (job.entry, job.stored)).unzip();
    // Always in the same order of organizations, so that two nodes never wait for each other.
    entries.sort_by_key(|entry| entry.scope.organization_id());
    while let Err(error) = store::append(db, &entries).await {
        tracing::warn!(%error, entries = entries.len(), "audit entries wait for the database");
        if stop.is_cancelled() {
            tracing::error!(entries = entries.len(), "audit entries are lost: the database did not answer");
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
    for stored in waiting.into_iter().flatten() {
        let _ = stored.send(()); // who has given up waiting does not mind
    }
}
