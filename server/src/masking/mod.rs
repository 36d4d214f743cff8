//! Takes personal data and secrets out of events before anything of them is kept: not in the write-ahead log, not in the
//! dead letters, not in live tails.
//!
//! A project's rules are read once and remembered; a change counts at once on the node that made it and within five seconds on
//! the others. While the database is away what is remembered counts; where nothing is remembered, ingest answers 503: no event
//! passes without its rules. Equal values get equal hashes within a project; another project's hashes tell nothing about them.

pub mod http;
mod rules;
pub mod store;

pub use rules::{Rules, Tally};

use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::tenant::TenantScope;
use crate::time::{MINUTE_US, Micros, now_us};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const POLL: Duration = Duration::from_secs(3);
/// Changes are read this far back, for clocks that differ and polls that failed.
const POLL_OVERLAP_US: Micros = 5 * MINUTE_US;

#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct MaskingError {
    action: &'static str,
    #[source]
    source: sqlx::Error,
}

impl Problem for MaskingError {
    fn kind(&self) -> ProblemKind {
        ProblemKind::of_sqlx(&self.source)
    }
}

type Known = HashMap<(Uuid, Uuid), Arc<Rules>>;

/// The rules of all projects that send logs. Clones are the same.
#[derive(Clone)]
pub struct Masking {
    db: Db,
    known: Arc<RwLock<Known>>,
}

impl Masking {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, known: Arc::default() }
    }

    /// The rules of a project, when they were asked for before: needs no database.
    #[must_use]
    pub fn known(&self, scope: &TenantScope, project_id: Uuid) -> Option<Arc<Rules>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&(scope.organization_id(), project_id)).cloned()
    }

    /// The rules of a project.
    ///
    /// # Errors
    /// They are not known, and the database does not answer.
    pub async fn rules(&self, scope: &TenantScope, project_id: Uuid) -> Result<Arc<Rules>, MaskingError> {
        if let Some(rules) = self.known(scope, project_id) {
            return Ok(rules);
        }
        let rules = Arc::new(store::load(&self.db, scope, project_id).await?);
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((scope.organization_id(), project_id), Arc::clone(&rules));
        Ok(rules)
    }

    /// Reads the project's rules anew when they are needed next.
    fn forget(&self, organization_id: Uuid, project_id: Uuid) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(&(organization_id, project_id));
    }

    /// Learns what other nodes changed, until told to stop.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        let mut since = now_us() - POLL_OVERLAP_US;
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => return,
            }
            let begun = now_us();
            match store::changed_since(&self.db, since).await {
                Ok(changed) => {
                    for (organization_id, project_id) in changed {
                        self.renew(organization_id, project_id).await;
                    }
                    since = begun - POLL_OVERLAP_US;
                }
                Err(error) => tracing::debug!(%error, "could not read which masking rules were changed"),
            }
        }
    }

    /// What is known stays in force until the new rules are there.
    async fn renew(&self, organization_id: Uuid, project_id: Uuid) {
        let scope = TenantScope::of_job(organization_id);
        if self.known(&scope, project_id).is_none() {
            return;
        }
        if let Ok(rules) = store::load(&self.db, &scope, project_id).await {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert((organization_id, project_id), Arc::new(rules));
        }
    }
}
