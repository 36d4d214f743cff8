//! The one place that talks to ClickHouse: schema, inserts, searches, limits.
//!
//! A [`LogStore`] is a handle that stays valid while ClickHouse goes away and comes back; what is asked meanwhile
//! is answered with [`LogStoreError::Unavailable`]. Every search takes the tenant first and reaches ClickHouse
//! with a filter on that tenant for every table it may read, whatever its SQL says: the second wall. A search
//! whose future is dropped is killed. All of it runs on the main tokio runtime.

mod attributes;
mod block;
mod client;
mod columns;
#[cfg(test)]
mod columns_tests;
mod engine;
mod erase;
mod error;
mod expire;
mod fetch;
mod insert;
mod limits;
mod progress;
mod rewrite;
mod schema;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::config::Settings;

pub use block::{EncodedBlock, LogBlock, LogRow};
pub use client::Endpoint;
pub use columns::{ColumnBlock, EncodedColumns};
pub use engine::{Engine, EngineSettings};
pub use erase::Rows;
pub use error::LogStoreError;
pub use expire::Retentions;
pub use fetch::{Answer, ByteStream, Column, RowStream, Search, Stats};
pub use insert::BatchPart;
pub use limits::QueryLimits;
pub use progress::Reading;
pub use rewrite::Rewrite;
pub use state::State;

const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// ClickHouse, for all tenants. Cheap to clone.
#[derive(Clone)]
pub struct LogStore {
    /// `None` while the embedded engine is starting again.
    client: watch::Receiver<Option<clickhouse::Client>>,
    layout: watch::Sender<Option<schema::Layout>>,
}

/// The log store, and the engine behind it when it is the embedded one.
pub struct Started {
    pub store: LogStore,
    pub engine: Option<Engine>,
}

/// Starts the embedded engine, or takes the ClickHouse that the settings name, and brings its schema up to date.
///
/// # Errors
/// The engine does not start, or ClickHouse refuses the schema. A ClickHouse server that is not there is no
/// error: logs are accepted meanwhile, and `prepare` is tried until it comes.
pub async fn start(settings: &Settings) -> Result<Started, LogStoreError> {
    let url = settings.clickhouse_url.expose_secret();
    if url.is_empty() {
        let engine = Engine::start(EngineSettings::of(settings)?).await?;
        let store = engine.store();
        store.prepare().await?;
        return Ok(Started { store, engine: Some(engine) });
    }
    let store = LogStore::remote(&Endpoint::parse(url)?);
    match store.prepare().await {
        Err(error) if error.is_temporary() => {
            tracing::warn!(error = %error.chain(), "ClickHouse is not ready, trying again until it is");
            let waiting = store.clone();
            tokio::spawn(async move { waiting.prepare_until_done().await });
        }
        outcome => outcome?,
    }
    Ok(Started { store, engine: None })
}

impl LogStore {
    fn new(client: watch::Receiver<Option<clickhouse::Client>>) -> Self {
        Self { client, layout: watch::Sender::default() }
    }

    /// A ClickHouse server or cluster.
    #[must_use]
    pub fn remote(endpoint: &Endpoint) -> Self {
        // The value outlives its sender.
        Self::new(watch::channel(Some(endpoint.client())).1)
    }

    /// Brings the schema up to date and checks that it is the one that Cordwood's promises need.
    ///
    /// # Errors
    /// `Setup` when this ClickHouse must not be used as it is; `is_temporary` ones may be tried again.
    pub async fn prepare(&self) -> Result<(), LogStoreError> {
        let layout = schema::prepare(&self.any_client()?).await?;
        self.layout.send_replace(Some(layout));
        Ok(())
    }

    async fn prepare_until_done(&self) {
        let delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(30))
            .with_jitter()
            .without_max_times();
        let prepared = (|| self.prepare()).retry(delays).when(LogStoreError::is_temporary).await;
        if let Err(error) = prepared {
            tracing::error!(error = %error.chain(), "ClickHouse cannot be used: searches and shipping stay off");
        }
    }

    /// Whether ClickHouse answers and has the schema.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), LogStoreError> {
        let client = self.client()?;
        let answer = tokio::time::timeout(PING_TIMEOUT, client.query_raw("SELECT 1").fetch_one::<u8>()).await;
        answer.map_err(|_| LogStoreError::unavailable("no answer in time"))??;
        Ok(())
    }

    /// The client, once the schema is as it must be.
    fn client(&self) -> Result<clickhouse::Client, LogStoreError> {
        if self.layout.borrow().is_none() {
            return Err(LogStoreError::unavailable("the schema is not prepared yet"));
        }
        self.any_client()
    }

    fn any_client(&self) -> Result<clickhouse::Client, LogStoreError> {
        self.client.borrow().clone().ok_or_else(|| LogStoreError::unavailable("the engine is starting"))
    }
}
