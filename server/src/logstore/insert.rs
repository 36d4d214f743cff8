//! Puts sealed batches into `logs`, each at most once.
//!
//! One call is one insert of one block; per partition it is stored whole or not at all. The same block with the
//! same token may be sent again: the table remembers the last 10,000 tokens. What is older than that asks
//! [`LogStore::batch_rows`] first. When `insert` has returned, the rows are on disk.

use std::time::Duration;

use uuid::Uuid;

use super::LogStore;
use super::block::{self, COLUMNS, EncodedBlock};
use super::error::LogStoreError;
use super::schema::LOGS;

const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const STORE_TIMEOUT: Duration = Duration::from_secs(120);

/// Settings that decide how a batch is read and stored; none is left to a server's defaults.
const SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("input_format_binary_read_json_as_string", "1"),
    ("input_format_with_types_use_header", "1"),
    // A text that looks like a date stays a text.
    ("input_format_try_infer_dates", "0"),
    ("input_format_try_infer_datetimes", "0"),
    // In an array of several types each value keeps its own: `[true, 1]` would become `[1, 1]`.
    ("input_format_json_read_bools_as_numbers", "0"),
    ("input_format_json_read_bools_as_strings", "0"),
    ("input_format_json_read_numbers_as_strings", "0"),
    // `{"a": {"b": 1}, "a.b": 2}` keeps the first instead of failing the batch.
    ("type_json_skip_duplicated_paths", "1"),
    // One block, whatever the defaults: the token stands for the whole batch.
    ("max_insert_block_size", "1048576"),
    ("min_insert_block_size_rows", "1048576"),
    ("min_insert_block_size_bytes", "268435456"),
];

/// Some rows of a batch: what is asked after when nobody knows whether they were stored.
#[derive(Debug, Clone, Copy)]
pub struct BatchPart<'a> {
    /// Whose rows the batch has.
    pub tenant_ids: &'a [Uuid],
    pub retention_days: u16,
    /// `batch_id` and `batch_row` of the first and of the last row.
    pub first: (u64, u32),
    pub last: (u64, u32),
    /// The oldest and the newest time in the batch, in nanoseconds since 1970; of one day.
    pub times_ns: (i64, i64),
    /// When the rows arrived, in milliseconds since 1970: a log that lost data may give numbers again, but not at the same time.
    pub received_ms: (i64, i64),
}

impl LogStore {
    /// Stores a block. `token` names it: the same token is stored once.
    ///
    /// # Errors
    /// `is_temporary`: send the same again later. `Rows`: cut the block and find the rows at fault. Others need a
    /// person; the block must be kept.
    pub async fn insert(&self, block: &EncodedBlock, token: &str) -> Result<(), LogStoreError> {
        self.insert_into(LOGS, block, token).await
    }

    /// As `insert`, into a table that was made like `logs`.
    pub(super) async fn insert_into(
        &self,
        table: &str,
        block: &EncodedBlock,
        token: &str,
    ) -> Result<(), LogStoreError> {
        let client = self.client()?;
        let json_type =
            self.layout.borrow().as_ref().map(|layout| layout.json_type.clone()).unwrap_or_default();
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let sql = format!("INSERT INTO {table} ({}) FORMAT RowBinaryWithNamesAndTypes", names.join(", "));
        let mut insert = client
            .insert_formatted_with(sql)
            .with_timeouts(Some(SEND_TIMEOUT), Some(STORE_TIMEOUT))
            .with_setting("insert_deduplication_token", token);
        for (name, value) in SETTINGS {
            insert = insert.with_setting(*name, *value);
        }
        let outcome = async {
            insert.send(block::header(&json_type)).await?;
            insert.send(block.data()).await?;
            insert.end().await
        };
        outcome.await.map_err(|error| LogStoreError::from(error).of_insert())
    }

    /// How many rows of a part of a batch are stored.
    ///
    /// # Errors
    /// ClickHouse cannot be asked.
    pub async fn batch_rows(&self, part: &BatchPart<'_>) -> Result<u64, LogStoreError> {
        let sql = "SELECT count() FROM logs WHERE tenant_id IN {tenants:Array(UUID)} \
                   AND retention_days = {retention:UInt16} \
                   AND (batch_id, batch_row) >= ({first_id:UInt64}, {first_row:UInt32}) \
                   AND (batch_id, batch_row) <= ({last_id:UInt64}, {last_row:UInt32}) \
                   AND timestamp BETWEEN fromUnixTimestamp64Nano({from:Int64}, 'UTC') \
                   AND fromUnixTimestamp64Nano({to:Int64}, 'UTC') \
                   AND received_at BETWEEN fromUnixTimestamp64Milli({received_from:Int64}, 'UTC') \
                   AND fromUnixTimestamp64Milli({received_to:Int64}, 'UTC')";
        let tenants: Vec<String> = part.tenant_ids.iter().map(Uuid::to_string).collect();
        let query = self
            .client()?
            .query_raw(sql)
            .param("tenants", tenants)
            .param("retention", part.retention_days)
            .param("first_id", part.first.0)
            .param("first_row", part.first.1)
            .param("last_id", part.last.0)
            .param("last_row", part.last.1)
            .param("from", part.times_ns.0)
            .param("to", part.times_ns.1)
            .param("received_from", part.received_ms.0)
            .param("received_to", part.received_ms.1);
        let answer = tokio::time::timeout(SEND_TIMEOUT, query.fetch_one::<u64>()).await;
        Ok(answer.map_err(|_| LogStoreError::unavailable("no answer in time"))??)
    }
}
