//! Runs plans under a tenant's limits: how many at once, how long, how much.

use super::SearchError;
use super::cache::Cache;
use super::newest::Gathered;
use crate::auth::Reader;
use crate::config::Settings;
use crate::error::ApiError;
use crate::logstore::{Answer, ByteStream, LogStore, LogStoreError, QueryLimits, Reading, RowStream, Search};
use crate::tenant::TenantScope;
use query_lang::sql::{self, Compiled};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

/// How long a search waits for its organization's other ones.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a statement beside a search may run: an estimate, a count, a reason.
const ASIDE: Duration = Duration::from_secs(2);
/// Exports of one organization at once; they do not take people's places either.
const EXPORTS_AT_ONCE: u32 = 2;

/// An organization's places; forgotten when it has not searched for a while.
type Places = moka::future::Cache<Uuid, Arc<Semaphore>>;

/// Runs searches. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    store: LogStore,
    concurrency: u32,
    timeout: Duration,
    places: Places,
    exports: Places,
    cache: Cache,
}

/// The rows of an export; its place is free again when they are dropped.
pub struct ExportedRows {
    rows: RowStream,
    _place: OwnedSemaphorePermit,
}

impl ExportedRows {
    /// The next row; `None` at the end of a complete answer.
    ///
    /// # Errors
    /// The export failed: the rows so far are not all.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, LogStoreError> {
        self.rows.next().await
    }
}

/// The bytes of an export that the engine writes itself.
pub struct ExportedFile {
    bytes: ByteStream,
    _place: OwnedSemaphorePermit,
}

impl ExportedFile {
    /// The next piece; `None` at the end of a complete file.
    ///
    /// # Errors
    /// The export failed: the file is not complete.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, LogStoreError> {
        self.bytes.next().await
    }
}

impl Executor {
    #[must_use]
    pub fn of(settings: &Settings, store: LogStore) -> Self {
        let timeout = Duration::from_secs(settings.search_timeout_s);
        let places = || moka::future::Cache::builder().time_to_idle(Duration::from_secs(600)).build();
        let concurrency = settings.search_concurrency.max(1);
        let cache = Cache::of(settings);
        Self { store, concurrency, timeout, places: places(), exports: places(), cache }
    }

    /// For a person who waits.
    ///
    /// # Errors
    /// 429 when the organization's other searches keep all places; what the log store answers.
    pub async fn interactive(&self, tenant: &TenantScope, compiled: Compiled) -> Result<Answer, SearchError> {
        let _place = self.place(tenant).await?;
        let limits = self.limits();
        let Some(newest) = compiled.newest_first() else { return self.run(tenant, compiled, limits).await };
        let mut gathered = Gathered::default();
        for index in 0..newest.pieces.len() {
            let piece = newest.piece(index, gathered.rows());
            gathered.add(self.run(tenant, piece, limits.clone()).await?);
            if gathered.rows() >= newest.rows {
                break;
            }
        }
        Ok(gathered.answer(newest.rows))
    }

    /// As `interactive`, and tells how far it is while it runs.
    ///
    /// # Errors
    /// As `interactive`.
    pub async fn watched(
        &self,
        tenant: &TenantScope,
        compiled: Compiled,
        watcher: &mpsc::Sender<Reading>,
    ) -> Result<Answer, SearchError> {
        let _place = self.place(tenant).await?;
        let search = search_of(compiled, self.limits());
        Ok(self.store.query_watched(tenant, &search, watcher).await?)
    }

    /// A small statement beside a search. It waits for no place, and gives up soon.
    ///
    /// # Errors
    /// What the log store answers; `Limit` when it would take long.
    pub async fn aside(&self, tenant: &TenantScope, compiled: Compiled) -> Result<Answer, SearchError> {
        let limits = QueryLimits { execution_time: ASIDE.min(self.timeout), ..QueryLimits::interactive() };
        self.run(tenant, compiled, limits).await
    }

    /// For somebody who asked over HTTP: as `interactive`, within the daily budget of their API key. The answer may be one
    /// that was given before, when nothing has changed since.
    ///
    /// # Errors
    /// As `interactive`; 429 when the budget is spent.
    pub async fn for_reader(&self, reader: &Reader, compiled: Compiled) -> Result<Answer, ApiError> {
        reader.check_budget().await?;
        let tenant = reader.scope();
        let (from_ns, to_ns) = compiled.reads;
        let state = match self.cache.is_on() {
            true => self.store.state(from_ns, to_ns).await.ok(),
            false => None,
        };
        let Some(state) = state else { return self.spent(reader, compiled).await };
        if let Some(answer) = self.cache.get(tenant, &compiled, state).await {
            return Ok(answer);
        }
        let answer = self.spent(reader, compiled.clone()).await?;
        self.cache.keep(tenant, &compiled, state, &answer).await;
        Ok(answer)
    }

    async fn spent(&self, reader: &Reader, compiled: Compiled) -> Result<Answer, ApiError> {
        let answer = self.interactive(reader.scope(), compiled).await?;
        reader.spend(answer.stats.rows_read);
        Ok(answer)
    }

    /// For a file of any length.
    ///
    /// # Errors
    /// 429 when the organization's other exports keep all places; what the log store answers.
    pub async fn export(
        &self,
        tenant: &TenantScope,
        compiled: Compiled,
    ) -> Result<ExportedRows, SearchError> {
        let place = place(&self.exports, tenant, EXPORTS_AT_ONCE).await?;
        let search = search_of(compiled, QueryLimits::export());
        Ok(ExportedRows { rows: self.store.query_stream(tenant, &search).await?, _place: place })
    }

    /// The same as Parquet, written by the engine.
    ///
    /// # Errors
    /// As `export`.
    pub async fn export_parquet(
        &self,
        tenant: &TenantScope,
        compiled: Compiled,
    ) -> Result<ExportedFile, SearchError> {
        let place = place(&self.exports, tenant, EXPORTS_AT_ONCE).await?;
        let search = search_of(compiled, QueryLimits::export());
        Ok(ExportedFile { bytes: self.store.query_parquet(tenant, &search).await?, _place: place })
    }

    fn limits(&self) -> QueryLimits {
        QueryLimits { execution_time: self.timeout, ..QueryLimits::interactive() }
    }

    /// For a rule that runs again in a moment; rules do not take people's places.
    ///
    /// # Errors
    /// What the log store answers.
    pub async fn alert(&self, tenant: &TenantScope, compiled: Compiled) -> Result<Answer, SearchError> {
        self.run(tenant, compiled, QueryLimits::alert()).await
    }

    async fn run(
        &self,
        tenant: &TenantScope,
        compiled: Compiled,
        limits: QueryLimits,
    ) -> Result<Answer, SearchError> {
        let started = std::time::Instant::now();
        let outcome = self.store.query(tenant, &search_of(compiled, limits)).await;
        metrics::histogram!("cordwood_search_seconds").record(started.elapsed().as_secs_f64());
        Ok(outcome?)
    }

    async fn place(&self, tenant: &TenantScope) -> Result<OwnedSemaphorePermit, SearchError> {
        place(&self.places, tenant, self.concurrency).await
    }
}

fn search_of(compiled: Compiled, limits: QueryLimits) -> Search {
    Search { sql: compiled.sql, parameters: compiled.parameters, settings: sql::SETTINGS, limits }
}

async fn place(
    places: &Places,
    tenant: &TenantScope,
    at_once: u32,
) -> Result<OwnedSemaphorePermit, SearchError> {
    let places =
        places.get_with(tenant.organization_id(), async { Arc::new(Semaphore::new(at_once as usize)) }).await;
    match tokio::time::timeout(PATIENCE, places.acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(SearchError::Busy { running: at_once }),
    }
}
