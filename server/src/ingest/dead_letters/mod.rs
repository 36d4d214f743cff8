//! The dead letters in the metadata database: kept with their reason, listed, replayed, deleted.
//!
//! Kept for 14 days, and at most 1 GiB of one organization: what comes beyond that is refused, counted and logged, and nothing
//! that is there is pushed out. `http` and `replay` build on this.

pub mod http;
pub mod letter;
pub mod replay;
mod search;
mod seen;
#[cfg(test)]
pub use seen::Seen;

use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, Micros};
use letter::{Letter, Origin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

const KEPT_US: Micros = 14 * DAY_US;
const MOST_BYTES: i64 = 1 << 30;
/// Letters in one transaction.
const PART: usize = 500;

#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct LetterError {
    action: &'static str,
    #[source]
    source: sqlx::Error,
}

impl Problem for LetterError {
    fn kind(&self) -> ProblemKind {
        ProblemKind::of_sqlx(&self.source)
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> LetterError {
    move |source| LetterError { action, source }
}

crate::statements! {
    PROJECT_EXISTS = "SELECT id FROM projects WHERE organization_id = $1 AND id = $2";
    INSERT = "INSERT INTO dead_letters (organization_id, id, project_id, received_at, code, reason, original, \
        original_bytes, batch_log, batch_lsn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        ON CONFLICT (organization_id, id) DO NOTHING";
    KEPT_BYTES = "SELECT CAST(COALESCE(SUM(original_bytes), 0) AS BIGINT) FROM dead_letters WHERE organization_id = $1";
    OF_BATCH = "SELECT COUNT(*) FROM dead_letters WHERE organization_id = $1 AND batch_log = $2 AND batch_lsn = $3";
    COUNT = "SELECT COUNT(*) FROM dead_letters WHERE organization_id = $1";
    DELETE_OLD = "DELETE FROM dead_letters WHERE received_at < $1";
    PAGE = "SELECT id, project_id, received_at, code, reason, original, batch_log, batch_lsn FROM dead_letters \
        WHERE organization_id = $1 AND id < $2 AND project_id = COALESCE($3, project_id) AND code = COALESCE($4, code) \
        ORDER BY id DESC LIMIT $5";
    ONE = "SELECT id, project_id, received_at, code, reason, original, batch_log, batch_lsn FROM dead_letters \
        WHERE organization_id = $1 AND id = $2";
    DELETE_ALL = "DELETE FROM dead_letters WHERE organization_id = $1 \
        AND project_id = COALESCE($2, project_id) AND code = COALESCE($3, code)";
    REWRITE = "UPDATE dead_letters SET original = $3, original_bytes = $4 WHERE organization_id = $1 AND id = $2";
    DELETE_ONE = "DELETE FROM dead_letters WHERE organization_id = $1 AND id = $2";
}

/// A kept letter.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Kept {
    pub id: Uuid,
    pub project_id: Uuid,
    pub received_at: Micros,
    pub code: String,
    pub reason: String,
    pub original: Vec<u8>,
    pub batch_log: Vec<u8>,
    pub batch_lsn: i64,
}

/// Which letters of an organization are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Some(Vec<Uuid>),
    All(Filter),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub project_id: Option<Uuid>,
    pub code: Option<String>,
}

/// The store.
#[derive(Clone)]
pub struct DeadLetters {
    db: Db,
    /// About how much each organization has; counted afresh now and then by `tidy`.
    kept_bytes: Arc<Mutex<HashMap<Uuid, i64>>>,
}

impl DeadLetters {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, kept_bytes: Arc::default() }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Keeps the letters that their organizations have room for.
    ///
    /// # Errors
    /// When the database does not take them; keeping them again is harmless.
    pub async fn keep(&self, letters: &[Letter]) -> Result<(), LetterError> {
        let mut wanted = Vec::with_capacity(letters.len());
        let mut homes: HashMap<Uuid, bool> = HashMap::new();
        for letter in letters {
            let has_home = match homes.get(&letter.project_id) {
                Some(has_home) => *has_home,
                None => self.has_home(letter).await?,
            };
            homes.insert(letter.project_id, has_home);
            if has_home && self.has_room(letter).await? {
                wanted.push(letter);
            }
        }
        let refused = (letters.len() - wanted.len()) as u64;
        if refused > 0 {
            tracing::warn!(refused, "dead letters were not kept: their organization is gone or has too many");
            metrics::counter!("cordwood_dead_letters_dropped_total").increment(refused);
        }
        // In parts, so that others get at the database in between.
        for part in wanted.chunks(PART) {
            self.insert(part).await.map_err(failed("keep dead letters"))?;
        }
        metrics::counter!("cordwood_dead_letters_total").increment(wanted.len() as u64);
        Ok(())
    }

    /// How many letters the organization has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, scope: &TenantScope) -> Result<u64, LetterError> {
        on!(self.db.read(), pool => sqlx::query_scalar::<_, i64>(COUNT)
            .bind(scope.organization_id()).fetch_one(pool).await)
        .map(i64::unsigned_abs)
        .map_err(failed("count dead letters"))
    }

    async fn insert(&self, letters: &[&Letter]) -> Result<(), sqlx::Error> {
        on!(self.db.write(), pool => {
            let mut transaction = pool.begin().await?;
            for letter in letters {
                sqlx::query(INSERT)
                    .bind(letter.organization_id)
                    .bind(letter.id)
                    .bind(letter.project_id)
                    .bind(letter.received_at_ms * 1000)
                    .bind(&letter.code)
                    .bind(&letter.reason)
                    .bind(&letter.original)
                    .bind(letter.original.len() as i64)
                    .bind(&letter.origin.log_id[..])
                    .bind(letter.origin.lsn as i64)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })
    }

    async fn has_room(&self, letter: &Letter) -> Result<bool, LetterError> {
        let id = letter.organization_id;
        let known = self.kept_bytes.lock().expect("no holder of this lock panics").get(&id).copied();
        let kept = match known {
            Some(kept) => kept,
            None => on!(self.db.read(), pool => sqlx::query_scalar::<_, i64>(KEPT_BYTES).bind(id).fetch_one(pool).await)
                .map_err(failed("count dead letters"))?,
        };
        let with_this = kept + letter.original.len() as i64;
        let has_room = with_this <= MOST_BYTES;
        let counted = if has_room { with_this } else { kept };
        self.kept_bytes.lock().expect("no holder of this lock panics").insert(id, counted);
        Ok(has_room)
    }

    /// The organization may have been deleted while its events were on their way.
    async fn has_home(&self, letter: &Letter) -> Result<bool, LetterError> {
        on!(self.db.read(), pool => sqlx::query_scalar::<_, Uuid>(PROJECT_EXISTS)
            .bind(letter.organization_id).bind(letter.project_id).fetch_optional(pool).await)
        .map(|found| found.is_some())
        .map_err(failed("look up a project"))
    }

    /// How many events of one request are dead letters.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_of(&self, scope: &TenantScope, origin: Origin) -> Result<u64, LetterError> {
        on!(self.db.read(), pool => sqlx::query_scalar::<_, i64>(OF_BATCH)
            .bind(scope.organization_id()).bind(&origin.log_id[..]).bind(origin.lsn as i64).fetch_one(pool).await)
        .map(|count| count as u64)
        .map_err(failed("count dead letters"))
    }

    /// Letters with an id below `before`, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        before: Uuid,
        limit: u32,
    ) -> Result<Vec<Kept>, LetterError> {
        on!(self.db.read(), pool => sqlx::query_as(PAGE)
            .bind(scope.organization_id()).bind(before).bind(filter.project_id).bind(&filter.code).bind(i64::from(limit))
            .fetch_all(pool).await)
        .map_err(failed("list dead letters"))
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn one(&self, scope: &TenantScope, id: Uuid) -> Result<Option<Kept>, LetterError> {
        on!(self.db.read(), pool => sqlx::query_as(ONE).bind(scope.organization_id()).bind(id).fetch_optional(pool).await)
            .map_err(failed("read a dead letter"))
    }

    /// Changes the letters of a project, or of all, that `change` makes another text of; says how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rewrite(
        &self,
        scope: &TenantScope,
        project_id: Option<Uuid>,
        change: impl Fn(&str) -> Option<String>,
    ) -> Result<u64, LetterError> {
        let filter = Filter { project_id, code: None };
        let (mut before, mut changed) = (Uuid::max(), 0);
        loop {
            let part = self.page(scope, &filter, before, PART as u32).await?;
            let Some(last) = part.last() else { return Ok(changed) };
            before = last.id;
            for kept in &part {
                let Some(text) = change(&String::from_utf8_lossy(&kept.original)) else { continue };
                on!(self.db.write(), pool => sqlx::query(REWRITE)
                    .bind(scope.organization_id()).bind(kept.id).bind(text.as_bytes()).bind(text.len() as i64)
                    .execute(pool).await.map(|_| ()))
                .map_err(failed("change a dead letter"))?;
                changed += 1;
            }
        }
    }

    /// Deletes letters; says how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete(&self, scope: &TenantScope, selection: &Selection) -> Result<u64, LetterError> {
        let organization_id = scope.organization_id();
        self.kept_bytes.lock().expect("no holder of this lock panics").remove(&organization_id);
        on!(self.db.write(), pool => match selection {
            Selection::All(filter) => sqlx::query(DELETE_ALL)
                .bind(organization_id).bind(filter.project_id).bind(&filter.code)
                .execute(pool).await.map(|done| done.rows_affected()),
            Selection::Some(ids) => {
                let mut deleted = 0;
                let mut transaction = pool.begin().await.map_err(failed("delete dead letters"))?;
                for id in ids {
                    let done = sqlx::query(DELETE_ONE).bind(organization_id).bind(id).execute(&mut *transaction).await;
                    deleted += done.map_err(failed("delete dead letters"))?.rows_affected();
                }
                transaction.commit().await.map(|()| deleted)
            }
        })
        .map_err(failed("delete dead letters"))
    }

    /// Deletes what is older than 14 days, and counts afresh. For every now and then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tidy(&self, now: Micros) -> Result<u64, LetterError> {
        let deleted = on!(self.db.write(), pool => sqlx::query(DELETE_OLD)
            .bind(now - KEPT_US).execute(pool).await.map(|done| done.rows_affected()));
        self.kept_bytes.lock().expect("no holder of this lock panics").clear();
        deleted.map_err(failed("delete old dead letters"))
    }
}
