//! Writes evaluations. Those that are done at the same time share a transaction, so that the disk is waited for once.

use super::AlertError;
use super::store::{AlertStore, Outcome, StoredRule};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Evaluations in one transaction.
const MOST: usize = 64;
/// The database has limits of its own; this one is for one that is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

struct Writing {
    rule: StoredRule,
    outcome: Outcome,
    done: oneshot::Sender<Result<bool, AlertError>>,
}

/// Cheap to clone; its task ends with the last one.
#[derive(Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Writing>,
}

impl Recorder {
    /// Writes as the holder of the leases of `owner`.
    #[must_use]
    pub fn start(store: AlertStore, owner: String) -> Self {
        let (sender, mut waiting) = mpsc::channel(4 * MOST);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, MOST).await > 0 {
                write(&store, &owner, std::mem::take(&mut batch)).await;
            }
        });
        Self { sender }
    }

    /// Tells whether the evaluation counted: not when the lease is lost, or when the rule was changed meanwhile.
    ///
    /// # Errors
    /// The database does not answer; nothing was written.
    pub async fn record(&self, rule: &StoredRule, outcome: Outcome) -> Result<bool, AlertError> {
        let (done, answer) = oneshot::channel();
        let gone = || AlertError::Store { action: "record an evaluation", source: sqlx::Error::PoolClosed };
        let writing = Writing { rule: rule.clone(), outcome, done };
        self.sender.send(writing).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn write(store: &AlertStore, owner: &str, batch: Vec<Writing>) {
    let items: Vec<_> = batch.iter().map(|each| (&each.rule, &each.outcome)).collect();
    if let Ok(counted) = patiently(store.record(owner, &items)).await {
        for (each, counted) in batch.into_iter().zip(counted) {
            let _gone = each.done.send(Ok(counted));
        }
        return;
    }
    // one of them may be at fault: each by itself, so that the others are written
    for Writing { rule, outcome, done } in batch {
        let recorded = patiently(store.record(owner, &[(&rule, &outcome)])).await;
        let _gone = done.send(recorded.map(|counted| counted.first().is_some_and(|counted| *counted)));
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T, AlertError>>) -> Result<T, AlertError> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(AlertError::Store { action: "record evaluations", source: sqlx::Error::PoolTimedOut }))
}
