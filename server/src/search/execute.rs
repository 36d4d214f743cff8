//! Runs plans under a tenant's limits: how many at once, how long, how much.

use super::SearchError;
use super::newest::Gathered;
use crate::auth::Reader;
use crate::config::Settings;
use crate::error::ApiError;
use crate::logstore::{Answer, LogStore, QueryLimits, Search};
use crate::tenant::TenantScope;
use query_lang::sql::{self, Compiled};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// How long a search waits for its organization's other ones.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs searches. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    store: LogStore,
    concurrency: u32,
    timeout: Duration,
    /// An organization's places; forgotten when it has not searched for a while.
    places: moka::future::Cache<Uuid, Arc<Semaphore>>,
}

impl Executor {
    #[must_use]
    pub fn of(settings: &Settings, store: LogStore) -> Self {
        let timeout = Duration::from_secs(settings.search_timeout_s);
        let places = moka::future::Cache::builder().time_to_idle(Duration::from_secs(600)).build();
        Self { store, concurrency: settings.search_concurrency.max(1), timeout, places }
    }

    /// For a person who waits.
    ///
    /// # Errors
    /// 429 when the organization's other searches keep all places; what the log store answers.
    pub async fn interactive(&self, tenant: &TenantScope, compiled: Compiled) -> Result<Answer, SearchError> {
        let _place = self.place(tenant).await?;
        let limits = QueryLimits { execution_time: self.timeout, ..QueryLimits::interactive() };
        let Some(newest) = compiled.newest_first() else { return self.run(tenant, compiled, limits).await };
        let mut gathered = Gathered::default();
        for piece in newest.pieces {
            gathered.add(self.run(tenant, piece, limits.clone()).await?);
            if gathered.rows() >= newest.rows {
                break;
            }
        }
        Ok(gathered.answer(newest.rows))
    }

    /// For somebody who asked over HTTP: as `interactive`, within the daily budget of their API key.
    ///
    /// # Errors
    /// As `interactive`; 429 when the budget is spent.
    pub async fn for_reader(&self, reader: &Reader, compiled: Compiled) -> Result<Answer, ApiError> {
        reader.check_budget().await?;
        let answer = self.interactive(reader.scope(), compiled).await?;
        reader.spend(answer.stats.rows_read);
        Ok(answer)
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
        let search =
            Search { sql: compiled.sql, parameters: compiled.parameters, settings: sql::SETTINGS, limits };
        let started = std::time::Instant::now();
        let outcome = self.store.query(tenant, &search).await;
        metrics::histogram!("cordwood_search_seconds").record(started.elapsed().as_secs_f64());
        Ok(outcome?)
    }

    async fn place(&self, tenant: &TenantScope) -> Result<OwnedSemaphorePermit, SearchError> {
        let places = self
            .places
            .get_with(tenant.organization_id(), async { Arc::new(Semaphore::new(self.concurrency as usize)) })
            .await;
        match tokio::time::timeout(PATIENCE, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(SearchError::Busy { running: self.concurrency }),
        }
    }
}
