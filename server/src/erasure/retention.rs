//! Erases what has outlived its project's retention because that was shortened after the logs were stored.
//!
//! ClickHouse drops whole days by the retention that each row was stored with. Rows that were stored for longer than their
//! project keeps logs now are erased here, within the pause between two rounds. A retention that was made longer counts for
//! what comes from then on: what is there goes when it was promised to go.

use super::store::{self, Retention};
use super::{Erasure, ErasureError, archive};
use crate::audit::Target;
use crate::logstore::Rows;
use crate::time::{DAY_US, now_us};
use serde_json::json;
use tokio_util::sync::CancellationToken;

pub async fn run(erasure: Erasure, stop: CancellationToken) {
    loop {
        tokio::select! { () = tokio::time::sleep(erasure.sweep) => {}, () = stop.cancelled() => return }
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
    for project in store::retentions(&erasure.db).await? {
        apply(erasure, &project).await?;
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
