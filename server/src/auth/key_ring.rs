//! API keys that were seen lately, so that ingest does not wait for the database.
//!
//! A key is asked for again after a minute. When the database does not answer within a second, what was known counts for a
//! quarter of an hour more. Every three seconds those that were revoked or changed are dropped.

use super::api_key::Parsed;
use super::key_budget::Budgets;
use super::{AuthError, store};
use crate::db::Db;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{MINUTE_US, Micros, now_us};
use api_types::accounts::{IngestLimits, KeyScope};
use moka::future::Cache;
use query_lang::network::Network;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const FRESH: Duration = Duration::from_secs(60);
const KNOWN: Duration = Duration::from_secs(15 * 60);
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(3);
/// Changes are read this far back, for clocks that differ and polls that failed.
const POLL_OVERLAP_US: Micros = 5 * MINUTE_US;

/// What a key allows.
#[derive(Debug)]
pub struct KeyFacts {
    pub id: Uuid,
    pub scope: TenantScope,
    pub project_id: Uuid,
    pub retention_days: u16,
    /// Rows that its searches may read in a day.
    pub rows_per_day: Option<u64>,
    /// What narrows the logs that they see.
    pub row_rule: Option<RowRule>,
    /// What may be sent with it.
    pub ingest_limits: IngestLimits,
    /// Where it works from; empty: from everywhere.
    networks: Vec<Network>,
    scopes: Vec<KeyScope>,
    secret_hash: [u8; 32],
    expires_at: Option<Micros>,
    asked_at: Instant,
}

impl KeyFacts {
    /// Whether the key may do this; `admin` includes everything.
    pub fn allows(&self, scope: KeyScope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&KeyScope::Admin)
    }
}

#[derive(Clone)]
pub struct KeyRing {
    db: Db,
    known: Cache<String, Arc<KeyFacts>>,
    used: Arc<Mutex<HashMap<(Uuid, Uuid), Micros>>>,
    pub budgets: Budgets,
}

impl KeyRing {
    pub fn new(db: Db) -> Self {
        let known = Cache::builder().max_capacity(100_000).time_to_live(KNOWN).build();
        Self { budgets: Budgets::new(db.clone()), db, known, used: Arc::default() }
    }

    /// The facts of a key whose secret is right, and that may be used from this address.
    pub async fn check(&self, key: &Parsed, address: &str) -> Result<Arc<KeyFacts>, AuthError> {
        let facts = self.facts(&key.lookup).await?;
        let right: bool = facts.secret_hash.ct_eq(&key.secret_hash).into();
        let now = now_us();
        if !right || facts.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthError::Invalid);
        }
        if !facts.networks.is_empty() && !facts.networks.iter().any(|network| network.holds(address)) {
            return Err(AuthError::NetworkNotAllowed);
        }
        let used_by = (facts.scope.organization_id(), facts.id);
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(used_by, now);
        Ok(facts)
    }

    pub async fn forget(&self, lookup: &str) {
        self.known.invalidate(lookup).await;
    }

    async fn facts(&self, lookup: &str) -> Result<Arc<KeyFacts>, AuthError> {
        match self.known.get(lookup).await {
            Some(facts) if facts.asked_at.elapsed() < FRESH => Ok(facts),
            Some(facts) => self.renewed(lookup, facts).await,
            None => self
                .known
                .try_get_with_by_ref(lookup, self.load(lookup))
                .await
                .map_err(|error: Arc<AuthError>| (*error).clone()),
        }
    }

    async fn renewed(&self, lookup: &str, known: Arc<KeyFacts>) -> Result<Arc<KeyFacts>, AuthError> {
        match tokio::time::timeout(PATIENCE, self.load(lookup)).await {
            Ok(Ok(facts)) => {
                self.known.insert(lookup.to_owned(), facts.clone()).await;
                Ok(facts)
            }
            Ok(Err(AuthError::Invalid)) => {
                self.forget(lookup).await;
                Err(AuthError::Invalid)
            }
            Ok(Err(_)) | Err(_) => Ok(known),
        }
    }

    async fn load(&self, lookup: &str) -> Result<Arc<KeyFacts>, AuthError> {
        let row = store::key_by_lookup(&self.db, lookup).await?.ok_or(AuthError::Invalid)?;
        Ok(Arc::new(KeyFacts {
            id: row.id,
            scope: TenantScope::authenticated(row.organization_id),
            project_id: row.project_id,
            retention_days: u16::try_from(row.retention_days).unwrap_or(u16::MAX),
            rows_per_day: row.rows_per_day.map(i64::unsigned_abs),
            row_rule: row.row_rule.map(RowRule::stored),
            ingest_limits: row.ingest_limits.into(),
            networks: networks_of(&row.allowed_networks),
            scopes: scopes_of(&row.scopes),
            secret_hash: row.secret_hash.try_into().map_err(|_| AuthError::Invalid)?,
            expires_at: row.expires_at,
            asked_at: Instant::now(),
        }))
    }

    /// Drops what other nodes revoked or changed and writes down uses, until told to stop.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        let mut since = now_us() - POLL_OVERLAP_US;
        loop {
            let stopping =
                tokio::select! { () = tokio::time::sleep(POLL) => false, () = stop.cancelled() => true };
            if let Err(error) = self.one_round(&mut since).await {
                tracing::debug!(%error, "could not read which keys were revoked or changed");
            }
            if stopping {
                return;
            }
        }
    }

    async fn one_round(&self, since: &mut Micros) -> Result<(), AuthError> {
        let begun = now_us();
        for lookup in store::keys_changed_since(&self.db, *since).await? {
            self.forget(&lookup).await;
        }
        *since = begun - POLL_OVERLAP_US;
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        for ((organization_id, key_id), at) in used {
            store::key_used(&self.db, organization_id, key_id, at).await?;
        }
        self.budgets.write_down().await
    }
}

/// The networks as the database keeps them: with commas between.
fn networks_of(text: &str) -> Vec<Network> {
    text.split(',').filter_map(Network::parse).collect()
}

/// The scopes as the database keeps them: words with commas between.
pub fn scopes_of(text: &str) -> Vec<KeyScope> {
    let scope = |word| match word {
        "ingest" => Some(KeyScope::Ingest),
        "query" => Some(KeyScope::Query),
        "admin" => Some(KeyScope::Admin),
        _ => None,
    };
    text.split(',').filter_map(scope).collect()
}
