//! Everything an organization has, as one file to take away: a job that writes `<data folder>/exports/<job>.tar`.
//!
//! The tar has `organization.json` with what was set up, `audit-log.ndjson.gz`, `usage.ndjson.gz`, `dead-letters.ndjson.gz` and
//! `alert-events.ndjson.gz`, and in `logs/<project>/` the events in pieces of at most a million, oldest first, in the form of the
//! API. Secrets are not in it. The file stays for a week on the node that made it.

mod contents;
pub mod http;
mod writer;

use super::store::{self, JobRow};
use super::{Erasure, ErasureError};
use crate::audit::Target;
use crate::logstore::{LogStoreError, QueryLimits, Search};
use crate::search::plan::{Page, Plan};
use crate::search::respond::{RowForm, rfc3339 as rfc3339_ns, whole};
use crate::search::time_range::TimeRange;
use crate::sight::Sight;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, Micros, now_us, rfc3339};
use jiff::tz::TimeZone;
use query_lang::sql;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use writer::Archive;

#[cfg(test)]
pub(super) use contents::ALL as STATEMENTS;

/// How long the file stays.
const KEPT_US: Micros = 7 * DAY_US;
/// Events of one piece.
const PIECE: u64 = 1_000_000;
/// Shorter stretches of time are not cut.
const SHORTEST_NS: i64 = 1_000_000_000;
const YEAR_NS: i64 = 366 * 86_400 * 1_000_000_000;

/// Where the file of a job is.
pub fn path_of(exports: &Path, job_id: Uuid) -> PathBuf {
    exports.join(format!("{job_id}.tar"))
}

pub async fn run(erasure: &Erasure, job: &JobRow) -> Result<(), ErasureError> {
    let scope = job.scope();
    remove_outlived(&erasure.exports);
    let mut archive = Archive::begin(&erasure.exports, job.id).map_err(ErasureError::Archive)?;
    contents::write(erasure, &scope, &mut archive).await?;
    let mut events = 0;
    for project in store::projects(&erasure.db, &scope).await? {
        events += Project { erasure, job, id: project.id, name: project.name }.write(&mut archive).await?;
        store::progress(&erasure.db, job, events).await?;
    }
    let sealed = archive.finish().await.map_err(ErasureError::Archive)?;
    let certificate = json!({
        "job_id": job.id,
        "kind": job.kind(),
        "organization_id": scope.organization_id(),
        "requested_by": job.requested_by,
        "requested_at": rfc3339(job.created_at),
        "finished_at": rfc3339(now_us()),
        "events": events,
        "files": sealed.files,
        "bytes": sealed.bytes,
        "sha256": sealed.sha256,
        "available_until": rfc3339(now_us() + KEPT_US),
    });
    store::finish(&erasure.db, job, events, &certificate).await?;
    let detail = json!({"events": events, "bytes": sealed.bytes, "sha256": sealed.sha256});
    erasure
        .audit
        .record_of_system(scope, "organization.exported", Target::of(job.id, "export"), detail)
        .await;
    Ok(())
}

/// Deletes the files of an organization that is itself deleted, as far as they are on this node.
pub async fn remove_all(erasure: &Erasure, scope: &TenantScope) -> Result<(), ErasureError> {
    for job in store::list(&erasure.db, scope).await? {
        let Ok(job_id) = Uuid::parse_str(&job.id) else { continue };
        match std::fs::remove_file(path_of(&erasure.exports, job_id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ErasureError::Archive(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Deletes files that have been there for long enough, and what crashes left.
pub fn remove_outlived(exports: &Path) {
    let Ok(files) = std::fs::read_dir(exports) else { return };
    let kept = std::time::Duration::from_micros(KEPT_US.unsigned_abs());
    for file in files.flatten() {
        let age = file.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > kept)
            && let Err(error) = std::fs::remove_file(file.path())
        {
            tracing::warn!(%error, file = %file.path().display(), "an old export could not be deleted");
        }
    }
}

struct Project<'a> {
    erasure: &'a Erasure,
    job: &'a JobRow,
    id: Uuid,
    name: String,
}

impl Project<'_> {
    /// Writes the project's events; tells how many.
    async fn write(&self, archive: &mut Archive) -> Result<u64, ErasureError> {
        let now_ns = now_us() * 1_000;
        // Halves that still have to be looked at, the oldest at the end.
        let mut stretches = vec![(now_ns - YEAR_NS, now_ns + 86_400 * 1_000_000_000)];
        let mut events = 0;
        while let Some((from_ns, to_ns)) = stretches.pop() {
            let plan = self.plan(from_ns, to_ns)?;
            let counted = self.erasure.searches.interactive(&self.job.scope(), plan.count()?).await?;
            let count: u64 = counted.rows.first().and_then(|row| whole(row.first()?)).unwrap_or(0);
            if count > PIECE && to_ns - from_ns > SHORTEST_NS {
                let middle = from_ns + (to_ns - from_ns) / 2;
                stretches.push((middle, to_ns));
                stretches.push((from_ns, middle));
            } else if count > 0 {
                events += self.piece(&plan, archive).await?;
                store::progress(&self.erasure.db, self.job, events).await?;
            }
        }
        Ok(events)
    }

    fn plan(&self, from_ns: i64, to_ns: i64) -> Result<Plan, ErasureError> {
        let range = TimeRange { from_ns, to_ns, now_ns: to_ns, zone: TimeZone::UTC };
        Ok(Plan::new(&Sight::whole(self.job.scope()), self.id, "* | sort timestamp", range)?)
    }

    async fn piece(&self, plan: &Plan, archive: &mut Archive) -> Result<u64, ErasureError> {
        let failed = |source: LogStoreError| ErasureError::Logs { action: "export events", source };
        let compiled = plan.rows(Page { limit: QueryLimits::export().result_rows - 1, ..Page::default() })?;
        let form = RowForm::of(&compiled);
        let search = Search {
            sql: compiled.sql,
            parameters: compiled.parameters,
            settings: sql::SETTINGS,
            limits: QueryLimits::export(),
        };
        let mut rows = self.erasure.logs.query_stream(&self.job.scope(), &search).await.map_err(failed)?;
        archive.begin_file(&self.file_name(plan)).await.map_err(ErasureError::Archive)?;
        let mut events = 0;
        while let Some(row) = rows.next().await.map_err(failed)? {
            archive.line(&form.row(row)).await.map_err(ErasureError::Archive)?;
            events += 1;
        }
        archive.end_file().await.map_err(ErasureError::Archive)?;
        Ok(events)
    }

    /// `logs/default-0198c0de/20260310T100000Z.ndjson.gz`
    fn file_name(&self, plan: &Plan) -> String {
        let from_ns = plan.range().from_ns;
        let from = rfc3339_ns(from_ns - from_ns.rem_euclid(1_000_000_000)).replace(['-', ':'], "");
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let name: String = self.name.chars().take(40).map(plain).collect();
        format!("logs/{name}-{}/{from}.ndjson.gz", self.id)
    }
}
