//! Where sealed batches go. The log store is the real one; tests have one that fails on demand.

use super::seal::SealedBatch;
use crate::logstore::{BatchPart, LogStore, LogStoreError};
use futures::future::BoxFuture;
use std::ops::Range;

/// Why an insert did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It cannot be stored now, or nobody knows whether it was: the same bytes are sent again.
    #[error("the log store cannot take the batch now")]
    Unavailable(#[source] anyhow::Error),
    /// The rows themselves are refused, and would be refused again.
    #[error("the log store refuses the rows: {0}")]
    Refused(String),
}

/// Takes sealed batches.
pub trait LogSink: Send + Sync + 'static {
    /// Stores rows `rows` of the batch as one block, all or nothing. The same token again stores nothing.
    fn insert<'a>(
        &'a self,
        batch: &'a SealedBatch,
        rows: Range<u32>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<(), SinkError>>;

    /// How many of rows `rows` of the batch are stored already.
    fn stored<'a>(
        &'a self,
        batch: &'a SealedBatch,
        rows: Range<u32>,
    ) -> BoxFuture<'a, Result<u32, SinkError>>;

    /// Asks whether the store answers at all; costs it next to nothing.
    fn probe(&self) -> BoxFuture<'_, Result<(), SinkError>>;
}

impl LogSink for LogStore {
    fn insert<'a>(
        &'a self,
        batch: &'a SealedBatch,
        rows: Range<u32>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let is_whole = rows.len() as u32 == batch.row_count();
            let columns = batch.columns.as_ref().filter(|_| is_whole && self.takes_columns());
            let inserted = match columns {
                Some(columns) => self.insert_columns(columns, token).await,
                None => LogStore::insert(self, &batch.block(&rows), token).await,
            };
            inserted.map_err(SinkError::from)
        })
    }

    fn stored<'a>(
        &'a self,
        batch: &'a SealedBatch,
        rows: Range<u32>,
    ) -> BoxFuture<'a, Result<u32, SinkError>> {
        let (first, last) = batch.keys(&rows);
        let part = BatchPart {
            tenant_ids: &batch.organizations,
            retention_days: batch.retention_days,
            first,
            last,
            times_ns: batch.times_ns,
            received_ms: batch.received_ms,
        };
        Box::pin(async move { Ok(self.batch_rows(&part).await? as u32) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move { Ok(self.ping().await?) })
    }
}

/// Only what blames the rows is a refusal; everything else waits until somebody or time puts it right.
impl From<LogStoreError> for SinkError {
    fn from(error: LogStoreError) -> Self {
        match error {
            LogStoreError::Rows { code, .. } => {
                tracing::warn!(error = %error.chain(), "ClickHouse refuses rows of a batch");
                Self::Refused(format!("the log store cannot keep this event (ClickHouse code {code})"))
            }
            other => Self::Unavailable(other.into()),
        }
    }
}
