//! Sends dead letters through ingest again, each at most once.
//!
//! The letters that would be accepted now are marked with the key of the batch that will carry them; the batch goes to the
//! write-ahead log under that key; then they are deleted. After a crash in between, the key tells whether the batch is on disk.

use super::{DeadLetters, Kept, LetterError, Selection, failed};
use crate::ingest::accepted::{Accepted, Counts};
use crate::ingest::idempotency::{Begin, Idempotency, Seen};
use crate::ingest::intake::{Gathered, Gathering};
use crate::ingest::rows::{Owner, Rows};
use crate::ingest::{Ingest, IngestError};
use crate::masking::Rules;
use crate::on;
use crate::tenant::TenantScope;
use api_types::ingest::ReplayAnswer;
use event::{Content, Intake, decode};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Letters that are worked on at once.
const PAGE: u32 = 500;

crate::statements! {
    RETENTION = "SELECT retention_days FROM projects WHERE organization_id = $1 AND id = $2";
    MARK = "UPDATE dead_letters SET replay_key = $3 WHERE organization_id = $1 AND id = $2 AND replay_key IS NULL";
    UNMARK = "UPDATE dead_letters SET replay_key = NULL WHERE organization_id = $1 AND replay_key = $2";
    DELETE_MARKED = "DELETE FROM dead_letters WHERE organization_id = $1 AND replay_key = $2";
    MARKS = "SELECT DISTINCT organization_id, replay_key FROM dead_letters WHERE replay_key IS NOT NULL";
    NEW_REASON = "UPDATE dead_letters SET code = $3, reason = $4 WHERE organization_id = $1 AND id = $2";
}

/// What one letter makes now.
struct Trial {
    id: Uuid,
    gathered: Gathered,
}

/// Replays the letters of a selection; what is rejected again stays.
///
/// # Errors
/// When the events cannot be stored now, or the database does not answer; what is not replayed yet stays.
pub async fn replay(
    ingest: &Ingest,
    scope: &TenantScope,
    selection: &Selection,
) -> Result<ReplayAnswer, IngestError> {
    let letters = ingest.dead_letters();
    let mut answer = ReplayAnswer::default();
    match selection {
        Selection::Some(ids) => {
            let mut page = Vec::new();
            for id in ids {
                page.extend(letters.one(scope, *id).await?);
            }
            for part in page.chunks(PAGE as usize) {
                replay_page(ingest, scope, part, &mut answer).await?;
            }
        }
        Selection::All(filter) => {
            let mut before = Uuid::max();
            loop {
                let page = letters.page(scope, filter, before, PAGE).await?;
                let Some(last) = page.last() else { break };
                before = last.id;
                replay_page(ingest, scope, &page, &mut answer).await?;
            }
        }
    }
    Ok(answer)
}

async fn replay_page(
    ingest: &Ingest,
    scope: &TenantScope,
    page: &[Kept],
    answer: &mut ReplayAnswer,
) -> Result<(), IngestError> {
    let letters = ingest.dead_letters();
    let mut by_project: BTreeMap<Uuid, Vec<&Kept>> = BTreeMap::new();
    page.iter().for_each(|kept| by_project.entry(kept.project_id).or_default().push(kept));
    for (project_id, kept) in by_project {
        let owner = letters.owner(scope, project_id).await?;
        let rules = ingest.rules(scope, project_id).await?;
        let trials = kept.iter().map(|kept| try_again(owner, &rules, kept)).collect::<Result<Vec<_>, _>>()?;
        let (good, bad): (Vec<Trial>, Vec<Trial>) = trials
            .into_iter()
            .partition(|trial| trial.gathered.rejected == 0 && !trial.gathered.accepted.rows.is_empty());
        answer.rejected += bad.len() as u64;
        letters.note_new_reasons(scope, &bad).await?;
        answer.replayed += send(ingest, scope, owner, good).await?;
    }
    Ok(())
}

fn try_again(owner: Owner, rules: &Rules, kept: &Kept) -> Result<Trial, IngestError> {
    let intake = Intake::new(owner.received_at_ms * 1_000_000, u32::from(owner.retention_days));
    let mut gathering = Gathering::new(owner, rules, intake, kept.original.len());
    for item in decode(&kept.original, Content::Unlabelled) {
        match item {
            Ok(item) => drop(gathering.take(item)?),
            Err(broken) => gathering.reject_all(&broken),
        }
    }
    Ok(Trial { id: kept.id, gathered: gathering.finish() })
}

/// Marks, stores, deletes. Says how many went.
async fn send(
    ingest: &Ingest,
    scope: &TenantScope,
    owner: Owner,
    good: Vec<Trial>,
) -> Result<u64, IngestError> {
    let letters = ingest.dead_letters();
    let key = *Uuid::now_v7().as_bytes();
    let mark = [ingest.log_id(), key].concat();
    let marked = letters.mark(scope, &good, &mark).await?;
    let mut rows = Rows::default();
    good.iter()
        .filter(|trial| marked.contains(&trial.id))
        .for_each(|trial| rows.append(&trial.gathered.accepted.rows));
    if rows.is_empty() {
        return Ok(0);
    }
    let seen = Seen {
        organization_id: owner.organization_id,
        key,
        body: key,
        received_at_ms: owner.received_at_ms,
        lsn: 0,
    };
    let Begin::New(claim) = ingest.keys().begin(seen).await else { return Ok(0) };
    let stored = ingest
        .accept(Accepted { owner, rows, rejected: Vec::new(), counts: Counts::default() }, Some(claim))
        .await;
    letters.settle(scope.organization_id(), &mark, stored.is_ok()).await?;
    stored.map(|_| marked.len() as u64)
}

/// After a restart: finishes what a crash cut off between marking and deleting.
///
/// # Errors
/// When the database does not answer.
pub async fn settle_interrupted(
    letters: &DeadLetters,
    keys: &Idempotency,
    log_id: [u8; 16],
) -> Result<(), LetterError> {
    let marks: Vec<(Uuid, Vec<u8>)> =
        on!(letters.db().read(), pool => sqlx::query_as(MARKS).fetch_all(pool).await)
            .map_err(failed("list interrupted replays"))?;
    for (organization_id, mark) in marks {
        // Another node's replay is its own to settle.
        let Some(key) = mark.strip_prefix(&log_id).and_then(|key| key.try_into().ok()) else { continue };
        letters.settle(organization_id, &mark, keys.knows(organization_id, key)).await?;
    }
    Ok(())
}

impl DeadLetters {
    /// The owner of what is replayed now, with the retention that the project has now.
    async fn owner(&self, scope: &TenantScope, project_id: Uuid) -> Result<Owner, LetterError> {
        let organization_id = scope.organization_id();
        let retention: Option<i64> = on!(self.db().read(), pool => sqlx::query_scalar(RETENTION)
            .bind(organization_id).bind(project_id).fetch_optional(pool).await)
        .map_err(failed("look up a project"))?;
        let retention_days = retention.and_then(|days| u16::try_from(days).ok()).unwrap_or(0);
        let received_at_ms = crate::time::now_us() / 1000;
        Ok(Owner { organization_id, project_id, retention_days, received_at_ms, key_id: Uuid::nil() })
    }

    async fn note_new_reasons(&self, scope: &TenantScope, bad: &[Trial]) -> Result<(), LetterError> {
        for trial in bad {
            let Some(error) = trial.gathered.errors.first() else { continue };
            on!(self.db().write(), pool => sqlx::query(NEW_REASON)
                .bind(scope.organization_id()).bind(trial.id).bind(&error.code).bind(&error.detail)
                .execute(pool).await.map(|_| ()))
            .map_err(failed("note why a dead letter was rejected again"))?;
        }
        Ok(())
    }

    /// Marks the letters that nobody else is replaying, and returns them.
    async fn mark(&self, scope: &TenantScope, good: &[Trial], mark: &[u8]) -> Result<Vec<Uuid>, LetterError> {
        let mut marked = Vec::with_capacity(good.len());
        on!(self.db().write(), pool => {
            let mut transaction = pool.begin().await.map_err(failed("mark dead letters"))?;
            for trial in good {
                let done = sqlx::query(MARK)
                    .bind(scope.organization_id()).bind(trial.id).bind(mark)
                    .execute(&mut *transaction).await.map_err(failed("mark dead letters"))?;
                if done.rows_affected() > 0 {
                    marked.push(trial.id);
                }
            }
            transaction.commit().await.map_err(failed("mark dead letters"))?;
        });
        Ok(marked)
    }

    async fn settle(&self, organization_id: Uuid, mark: &[u8], stored: bool) -> Result<(), LetterError> {
        let statement = if stored { DELETE_MARKED } else { UNMARK };
        on!(self.db().write(), pool => sqlx::query(statement)
            .bind(organization_id).bind(mark).execute(pool).await.map(|_| ()))
        .map_err(failed("settle a replay"))
    }
}
