//! Runs searches: compiled SQL with its parameters in, rows out.
//!
//! Rows come as JSON values in the order of the columns; 64-bit integers keep every digit. The
//! tenant's filter is set on every table of logs, in a read-only statement that cannot lift it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clickhouse::query::BytesCursor;
use query_lang::sql::Parameter;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::LogStore;
use super::error::LogStoreError;
use super::limits::QueryLimits;
use super::progress::{self, Reading};
use super::schema::TENANT_TABLES;
use crate::tenant::TenantScope;

const FORMAT: &str = "JSONCompactEachRowWithNamesAndTypes";
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

const SETTINGS: &[(&str, &str)] = &[
    // Numbers stay numbers: our reader keeps all 64 bits.
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_64bit_floats", "0"),
    ("output_format_json_quote_decimals", "1"),
    // Not-a-number and the infinities have no form in JSON.
    ("output_format_json_quote_denormals", "0"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_validate_utf8", "1"),
    ("date_time_output_format", "iso"),
    ("use_query_cache", "0"),
    ("cancel_http_readonly_queries_on_client_close", "1"),
    ("readonly", "1"),
];

/// A compiled search.
#[derive(Debug, Clone)]
pub struct Search {
    pub sql: String,
    /// Values for the `{name:Type}` in the SQL.
    pub parameters: Vec<(String, Parameter)>,
    /// What the SQL relies on, beside the limits.
    pub settings: &'static [(&'static str, &'static str)],
    pub limits: QueryLimits,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// ClickHouse's name of the type.
    pub kind: String,
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub rows_read: u64,
    pub bytes_read: u64,
    pub elapsed_ms: f64,
    /// How old the answer is, when it was kept from an earlier time.
    pub age_ms: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    pub stats: Stats,
}

impl LogStore {
    /// Runs a search of one tenant and returns its whole answer.
    ///
    /// # Errors
    /// `Limit` when it cost too much; nothing of the answer is returned then.
    pub async fn query(&self, scope: &TenantScope, search: &Search) -> Result<Answer, LogStoreError> {
        self.begin(scope, search, FORMAT, true)?.answer(search).await
    }

    /// As `query`, and tells what was read so far every now and then, while somebody listens.
    ///
    /// # Errors
    /// As `query`.
    pub async fn query_watched(
        &self,
        scope: &TenantScope,
        search: &Search,
        watcher: &mpsc::Sender<Reading>,
    ) -> Result<Answer, LogStoreError> {
        let running = self.begin(scope, search, FORMAT, true)?;
        let client = running.kill.client.clone();
        let query_id = running.kill.query_id.clone().unwrap_or_default();
        tokio::select! {
            answer = running.answer(search) => answer,
            never = progress::tell(client, query_id, watcher) => match never {},
        }
    }

    /// Runs a search of one tenant and hands out its rows as they come.
    ///
    /// # Errors
    /// As `query`; an error may also come after some rows, and then the answer is not complete.
    pub async fn query_stream(
        &self,
        scope: &TenantScope,
        search: &Search,
    ) -> Result<RowStream, LogStoreError> {
        let running = self.begin(scope, search, FORMAT, false)?;
        let mut stream = RowStream { running, buffer: BytesMut::new(), columns: Vec::new() };
        let names = stream.next_line().await?.unwrap_or_default();
        let kinds = stream.next_line().await?.unwrap_or_default();
        stream.columns = read_columns(&names, &kinds)?;
        Ok(stream)
    }

    /// Runs a search of one tenant and hands out its answer as a Parquet file.
    ///
    /// # Errors
    /// As `query_stream`.
    pub async fn query_parquet(
        &self,
        scope: &TenantScope,
        search: &Search,
    ) -> Result<ByteStream, LogStoreError> {
        let mut stream = ByteStream { running: self.begin(scope, search, "Parquet", false)?, first: None };
        // What fails at once is an answer; later it would only be a file that breaks off.
        stream.first = stream.next().await?;
        Ok(stream)
    }

    fn begin(
        &self,
        scope: &TenantScope,
        search: &Search,
        format: &'static str,
        wait: bool,
    ) -> Result<Running, LogStoreError> {
        let client = self.client()?;
        let query_id = Uuid::now_v7().to_string();
        let mut query = client.query_raw(&search.sql);
        for (name, value) in search.limits.settings() {
            query = query.with_setting(name, value);
        }
        for (name, value) in SETTINGS.iter().chain(search.settings) {
            query = query.with_setting(*name, *value);
        }
        query = query
            .with_setting("additional_table_filters", tenant_filters(scope))
            .with_setting("query_id", &query_id)
            .with_setting("wait_end_of_query", if wait { "1" } else { "0" });
        for (name, value) in &search.parameters {
            query = match value {
                // The client escapes what goes into the body, and paths must not be escaped.
                Parameter::Path(path) => query.with_setting(format!("param_{name}"), path),
                // In the body, not in the address: queries may be longer than addresses.
                value => query.param(name, value),
            };
        }
        let kill = KillOnDrop { client, query_id: Some(query_id), runtime: Handle::current() };
        Ok(Running { cursor: query.fetch_bytes(format)?, kill })
    }
}

/// Every table with logs, bound to the tenant, as a map for the engine.
fn tenant_filters(scope: &TenantScope) -> String {
    let tenant = scope.organization_id();
    let filters = TENANT_TABLES.iter().map(|table| format!("'{table}':'tenant_id = \\'{tenant}\\''"));
    format!("{{{}}}", filters.collect::<Vec<_>>().join(","))
}

fn stats_of(cursor: &BytesCursor) -> Stats {
    let summary = cursor.summary();
    let count = |name| summary.and_then(|summary| summary.get(name)?.parse::<u64>().ok()).unwrap_or(0);
    Stats {
        rows_read: count("read_rows"),
        bytes_read: count("read_bytes"),
        elapsed_ms: count("elapsed_ns") as f64 / 1e6,
        age_ms: None,
    }
}

fn read_columns(names: &[u8], kinds: &[u8]) -> Result<Vec<Column>, LogStoreError> {
    let read = |line: &[u8]| serde_json::from_slice::<Vec<String>>(line).map_err(LogStoreError::answer);
    let (names, kinds) = (read(names)?, read(kinds)?);
    Ok(names.into_iter().zip(kinds).map(|(name, kind)| Column { name, kind }).collect())
}

fn read_line(line: &[u8]) -> Result<Vec<Value>, LogStoreError> {
    serde_json::from_slice(line).map_err(LogStoreError::answer)
}

struct Running {
    cursor: BytesCursor,
    kill: KillOnDrop,
}

impl Running {
    /// Waits for the whole answer.
    async fn answer(mut self, search: &Search) -> Result<Answer, LogStoreError> {
        let collected = tokio::time::timeout(search.limits.patience(), self.cursor.collect()).await;
        let data = collected
            .map_err(|_| LogStoreError::unavailable("the search did not end in time"))?
            .map_err(|error| LogStoreError::from(error).of_search())?;
        let stats = stats_of(&self.cursor);
        self.kill.disarm();
        let mut lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let columns = read_columns(lines.next().unwrap_or_default(), lines.next().unwrap_or_default())?;
        let rows = lines.map(read_line).collect::<Result<_, _>>()?;
        Ok(Answer { columns, rows, stats })
    }
}

/// The bytes of a running search. Dropping it stops the search.
pub struct ByteStream {
    running: Running,
    first: Option<Bytes>,
}

impl ByteStream {
    /// The next piece; `None` at the end of a complete answer.
    ///
    /// # Errors
    /// The search failed: the bytes so far are not the whole answer.
    pub async fn next(&mut self) -> Result<Option<Bytes>, LogStoreError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let piece = self.running.cursor.next().await;
        let piece = piece.map_err(|error| LogStoreError::from(error).of_search())?;
        if piece.is_none() {
            self.running.kill.disarm();
        }
        Ok(piece)
    }
}

/// The rows of a running search. Dropping it stops the search.
pub struct RowStream {
    running: Running,
    buffer: BytesMut,
    columns: Vec<Column>,
}

impl RowStream {
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next row; `None` at the end of a complete answer.
    ///
    /// # Errors
    /// The search failed: the rows so far are not the whole answer.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, LogStoreError> {
        match self.next_line().await? {
            Some(line) => read_line(&line).map(Some),
            None => Ok(None),
        }
    }

    async fn next_line(&mut self) -> Result<Option<BytesMut>, LogStoreError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(searched + end + 1);
                line.truncate(searched + end);
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            match self.running.cursor.next().await.map_err(|error| LogStoreError::from(error).of_search())? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.is_empty() => {
                    self.running.kill.disarm();
                    return Ok(None);
                }
                None => return Err(LogStoreError::answer("the answer ends within a row")),
            }
        }
    }
}

/// Stops a statement that nobody waits for any more.
struct KillOnDrop {
    client: clickhouse::Client,
    query_id: Option<String>,
    runtime: Handle,
}

impl KillOnDrop {
    fn disarm(&mut self) {
        self.query_id = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some(query_id) = self.query_id.take() else { return };
        let kill =
            self.client.query_raw(&format!("KILL QUERY WHERE query_id = '{query_id}' ASYNC")).execute();
        self.runtime.spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(KILL_TIMEOUT, kill).await {
                let error = LogStoreError::from(error);
                tracing::debug!(query.id = %query_id, error = %error.chain(), "could not kill query {query_id}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_names_every_table_and_the_tenant() {
        let scope = TenantScope::of_job(Uuid::nil());
        let filters = tenant_filters(&scope);
        assert!(
            filters.starts_with(r"{'logs':'tenant_id = \'00000000-0000-0000-0000-000000000000\''"),
            "{filters}"
        );
    }
}
