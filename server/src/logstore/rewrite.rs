//! Puts changed rows in the place of others: the same events, with the same ids.
//!
//! Mutations would read JSON with the server's settings instead of ours, and turn texts into dates. So changed rows are gathered
//! in a table beside `logs`; then the old ones are erased and the new ones moved over, part by part. Every step may be repeated:
//! a part that was moved is not in the table any more. Between the two steps, for moments, the events cannot be found.

use super::LogStore;
use super::block::EncodedBlock;
use super::error::LogStoreError;
use super::schema::LOGS;
use crate::tenant::TenantScope;
use std::time::Duration;
use uuid::Uuid;

const QUICK: Duration = Duration::from_secs(120);
const SLOW: Duration = Duration::from_secs(60 * 60);

/// Changed rows that wait for their place.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// While rows are added; what a crash left here is begun anew.
    filling: String,
    filled: String,
}

impl Rewrite {
    /// The one of a job.
    #[must_use]
    pub fn of(job_id: Uuid) -> Self {
        let name = job_id.simple();
        Self { filling: format!("rewrite_{name}_filling"), filled: format!("rewrite_{name}") }
    }
}

impl LogStore {
    /// Whether rows wait that were gathered before a crash.
    ///
    /// # Errors
    /// ClickHouse cannot be asked.
    pub async fn is_rewrite_filled(&self, rewrite: &Rewrite) -> Result<bool, LogStoreError> {
        let query = self.client()?.query_raw(
            "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        );
        let found = query.param("name", &rewrite.filled).fetch_one::<u64>();
        Ok(tokio::time::timeout(QUICK, found).await.map_err(|_| late())?? > 0)
    }

    /// Begins to gather changed rows.
    ///
    /// # Errors
    /// ClickHouse does not do it.
    pub async fn begin_rewrite(&self, rewrite: &Rewrite) -> Result<(), LogStoreError> {
        self.run(&format!("DROP TABLE IF EXISTS {} SYNC", rewrite.filling), QUICK).await?;
        self.run(&format!("CREATE TABLE {} AS {LOGS}", rewrite.filling), QUICK).await
    }

    /// Adds changed rows.
    ///
    /// # Errors
    /// As for an insert.
    pub async fn add_to_rewrite(&self, rewrite: &Rewrite, block: &EncodedBlock) -> Result<(), LogStoreError> {
        self.insert_into(&rewrite.filling, block, &Uuid::now_v7().to_string()).await
    }

    /// All rows are there: from now on a crash goes on with `finish_rewrite`.
    ///
    /// # Errors
    /// ClickHouse does not do it.
    pub async fn end_gathering(&self, rewrite: &Rewrite) -> Result<(), LogStoreError> {
        self.run(&format!("RENAME TABLE {} TO {}", rewrite.filling, rewrite.filled), QUICK).await
    }

    /// Erases the old rows and moves the new ones over.
    ///
    /// # Errors
    /// ClickHouse did not do all of it: it may be asked again.
    pub async fn finish_rewrite(&self, scope: &TenantScope, rewrite: &Rewrite) -> Result<(), LogStoreError> {
        let (tenant, filled) = (scope.organization_id(), &rewrite.filled);
        let old = format!(
            "ALTER TABLE {LOGS} DELETE WHERE tenant_id = '{tenant}' AND (timestamp, batch_id, batch_row) IN \
             (SELECT timestamp, batch_id, batch_row FROM {filled})"
        );
        let erase = self.client()?.query_raw(&old).with_setting("mutations_sync", "2");
        tokio::time::timeout(SLOW, erase.execute()).await.map_err(|_| late())??;
        let parts = self.client()?.query_raw(
            "SELECT DISTINCT partition_id FROM system.parts \
             WHERE database = currentDatabase() AND table = {name:String} AND active ORDER BY partition_id",
        );
        let parts = parts.param("name", filled).fetch_all::<String>();
        for part in tokio::time::timeout(QUICK, parts).await.map_err(|_| late())?? {
            self.run(&format!("ALTER TABLE {filled} MOVE PARTITION ID '{part}' TO TABLE {LOGS}"), SLOW)
                .await?;
        }
        self.run(&format!("DROP TABLE IF EXISTS {filled} SYNC"), QUICK).await
    }

    async fn run(&self, sql: &str, limit: Duration) -> Result<(), LogStoreError> {
        let done = tokio::time::timeout(limit, self.client()?.query_raw(sql).execute()).await;
        Ok(done.map_err(|_| late())??)
    }
}

fn late() -> LogStoreError {
    LogStoreError::unavailable("rows are still being rewritten")
}
