//! Takes due jobs, one at a time on each node, and tries again what failed.

use super::{Erasure, ErasureError, steps, store};
use crate::time::{MINUTE_US, Micros};
use std::error::Error;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between a failure and the next try.
const AGAIN_US: Micros = MINUTE_US / 2;

pub async fn run(erasure: Erasure, stop: CancellationToken) {
    let pause = Duration::from_micros(erasure.pause().unsigned_abs());
    while !stop.is_cancelled() {
        if let Err(error) = run_due(&erasure, &stop).await {
            tracing::warn!(%error, "jobs wait");
        }
        tokio::select! {
            () = erasure.news.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn run_due(erasure: &Erasure, stop: &CancellationToken) -> Result<(), ErasureError> {
    while let Some(job) = store::claim(&erasure.db).await? {
        tracing::info!(job.id = %job.id, kind = ?job.kind(), "erasing begins");
        // A stop leaves the job to whoever claims it next: its steps may be done twice.
        let outcome = tokio::select! {
            outcome = steps::run(erasure, &job) => outcome,
            () = stop.cancelled() => return Ok(()),
        };
        if let Err(error) = outcome {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::error!(job.id = %job.id, error = %format!("{error}{cause}"), "erasing is tried again later");
            // People are told that it goes on, not how the machine is built.
            store::failed(&erasure.db, &job, "a part of the service did not answer", AGAIN_US).await?;
            return Ok(());
        }
        tracing::info!(job.id = %job.id, "erasing is done");
    }
    Ok(())
}
