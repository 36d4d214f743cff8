//! Takes out what has outlived the retention that its project has now.
//!
//! Days that are over are dropped as a whole, some hours after an event's own time. When a retention was made shorter, what is older
//! than it is erased to the moment, counted, and told in the audit log. When it was made longer, what is stored stays for as
//! long: nothing is moved, because what is over is decided here and not by what a row was stored with.

use super::store::{self, Retention};
use super::{Erasure, ErasureError, archive};
use crate::audit::Target;
use crate::logstore::{Retentions, Rows};
use crate::time::{DAY_US, now_us};
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The first round is soon after the start, so that a node which is often started anew does it too.
const SOON: Duration = Duration::from_secs(60);

pub async fn run(erasure: Erasure, stop: CancellationToken) {
    let mut pause = erasure.sweep.min(SOON);
    loop {
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return }
        pause = erasure.sweep;
        let round = tokio::select! {
            round = one_round(&erasure) => round,
            () = stop.cancelled() => return,
        };
        if let Err(error) = round {
            tracing::warn!(%error, "retentions are applied in the next round");
        }
    }
}

async fn one_round(erasure: &Erasure) -> Result<(), ErasureError> {
    archive::remove_outlived(&erasure.exports);
    let projects = store::retentions(&erasure.db).await?;
    for project in &projects {
        apply(erasure, project).await?;
    }
    let retentions: Retentions = projects.iter().map(|project| (project.id, project.days())).collect();
    let failed = |source| ErasureError::Logs { action: "drop days that are over", source };
    match erasure.logs.expire(&retentions, now_us()).await.map_err(failed)? {
        0 => {}
        rows => tracing::info!(rows, "dropped {rows} rows whose retention is over"),
    }
    Ok(())
}

async fn apply(erasure: &Erasure, project: &Retention) -> Result<(), ErasureError> {
    let (scope, days) = (project.scope(), project.days());
    let before_ns = (now_us() - i64::from(days) * DAY_US) * 1_000;
    let outlived = Rows::Outlived { project_id: project.id, retention_days: days, before_ns };
    let failed = |source| ErasureError::Logs { action: "apply a retention", source };
    let rows = erasure.logs.count_rows(&scope, outlived).await.map_err(failed)?;
    if rows == 0 {
        return Ok(());
    }
    erasure.logs.erase_rows(&scope, outlived).await.map_err(failed)?;
    tracing::info!(project.id = %project.id, rows, "erased {rows} rows that had outlived their retention");
    let target = Target::of(project.id, "logs");
    erasure
        .audit
        .record_of_system(scope, "retention.applied", target, json!({"rows": rows, "days": days}))
        .await;
    Ok(())
}
