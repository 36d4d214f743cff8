//! Puts a pseudonym in the place of one subject, in every stored event and dead letter of an organization or a project.
//!
//! Nothing tells afterwards who the subject was: the pseudonym is made at random or given, and the job forgets the subject when
//! it is done. Saved searches, alerts and the audit log keep what was written there, and names of fields are not looked at.

use super::store::{self, JobRow};
use super::subject::Subject;
use super::{Erasure, ErasureError};
use crate::audit::Target;
use crate::ingest::dead_letters::DeadLetters;
use crate::logstore::{LogBlock, LogRow, LogStoreError, QueryLimits, Rewrite, Search};
use crate::search::respond::whole;
use crate::tenant::TenantScope;
use crate::time::{now_us, rfc3339};
use query_lang::sql::{self, Parameter};
use serde_json::{Value, json};
use uuid::Uuid;

/// Events that are changed before the next look.
const AT_ONCE: usize = 50_000;
const BLOCK_BYTES: usize = 8 << 20;

/// Of `logs`, in the order in which `changed_row` reads them.
const COLUMNS: &str = "toString(project_id), toUnixTimestamp64Nano(timestamp), toUnixTimestamp64Milli(received_at), \
    CAST(level, 'Int8'), source, host, message, trace_id, span_id, attributes, batch_id, batch_row, retention_days";

pub async fn run(erasure: &Erasure, job: &JobRow) -> Result<(), ErasureError> {
    let request = job.request();
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    if text("subject").is_empty() {
        return Err(ErasureError::NotFound);
    }
    let subject = Subject::of(text("subject"), text("pseudonym"));
    let task = Task { erasure, job, scope: job.scope(), subject, rewrite: Rewrite::of(job.id) };
    let changed = task.change_events().await?;
    let letters = DeadLetters::new(erasure.db.clone());
    let letters = letters
        .rewrite(&task.scope, job.project_id, |text| task.subject.replaced(text))
        .await
        .map_err(ErasureError::Letters)?;
    let left = count(erasure, &task.scope, job.project_id, &task.subject).await?;
    if left > 0 {
        return Err(ErasureError::RowsLeft { left });
    }
    task.finish(changed, letters).await
}

/// How many events have the subject in them.
pub async fn count(
    erasure: &Erasure,
    scope: &TenantScope,
    project_id: Option<Uuid>,
    subject: &Subject,
) -> Result<u64, ErasureError> {
    let search = search(scope, project_id, subject, "count()", None);
    let answer = erasure.logs.query(scope, &search).await.map_err(failed("count the events of a subject"))?;
    Ok(answer.rows.first().and_then(|row| whole(row.first()?)).unwrap_or(0))
}

fn failed(action: &'static str) -> impl Fn(LogStoreError) -> ErasureError {
    move |source| ErasureError::Logs { action, source }
}

fn search(
    scope: &TenantScope,
    project_id: Option<Uuid>,
    subject: &Subject,
    columns: &str,
    limit: Option<usize>,
) -> Search {
    let tenant = scope.organization_id();
    let project = project_id.map_or_else(String::new, |id| format!(" AND project_id = '{id}'"));
    let limit = limit.map_or_else(String::new, |rows| format!(" LIMIT {rows}"));
    let texts = ["message", "source", "host", "trace_id", "span_id"]
        .map(|column| format!("match({column}, {{subject:String}})"))
        .join(" OR ");
    let sql = format!(
        "SELECT {columns} FROM logs WHERE tenant_id = '{tenant}'{project} AND ({texts} \
         OR arrayExists(v -> match(v, {{subject:String}}), JSONAllValues(attributes))){limit}"
    );
    Search {
        sql,
        parameters: vec![("subject".to_owned(), Parameter::Text(subject.pattern.clone()))],
        settings: sql::SETTINGS,
        limits: QueryLimits::export(),
    }
}

struct Task<'a> {
    erasure: &'a Erasure,
    job: &'a JobRow,
    scope: TenantScope,
    subject: Subject,
    rewrite: Rewrite,
}

impl Task<'_> {
    /// Changes events until none has the subject any more; tells how many.
    async fn change_events(&self) -> Result<u64, ErasureError> {
        let logs = &self.erasure.logs;
        let mut changed = self.job.rows_erased();
        let is_filled = logs.is_rewrite_filled(&self.rewrite).await;
        if is_filled.map_err(failed("look for changed events"))? {
            self.put_in_place().await?;
        }
        loop {
            logs.begin_rewrite(&self.rewrite).await.map_err(failed("begin to change events"))?;
            let rows = self.gather().await?;
            if rows == 0 {
                // Leaves nothing behind.
                logs.end_gathering(&self.rewrite).await.map_err(failed("end a change of events"))?;
                self.put_in_place().await?;
                return Ok(changed);
            }
            changed += rows;
            store::progress(&self.erasure.db, self.job, changed).await?;
            logs.end_gathering(&self.rewrite).await.map_err(failed("end a change of events"))?;
            self.put_in_place().await?;
        }
    }

    async fn put_in_place(&self) -> Result<(), ErasureError> {
        let done = self.erasure.logs.finish_rewrite(&self.scope, &self.rewrite).await;
        done.map_err(failed("put changed events in place"))
    }

    /// Reads some of the events and writes them down as they shall be.
    async fn gather(&self) -> Result<u64, ErasureError> {
        let (logs, failed) = (&self.erasure.logs, failed("change events"));
        let search = search(&self.scope, self.job.project_id, &self.subject, COLUMNS, Some(AT_ONCE));
        let mut rows = logs.query_stream(&self.scope, &search).await.map_err(&failed)?;
        let (mut block, mut gathered) = (LogBlock::with_capacity(BLOCK_BYTES), 0);
        while let Some(row) = rows.next().await.map_err(&failed)? {
            if self.add(&mut block, row).is_none() {
                return Err(ErasureError::Unreadable);
            }
            gathered += 1;
            if block.bytes() >= BLOCK_BYTES {
                let full = std::mem::replace(&mut block, LogBlock::with_capacity(BLOCK_BYTES));
                logs.add_to_rewrite(&self.rewrite, &full.encode()).await.map_err(&failed)?;
            }
        }
        if block.rows() > 0 {
            logs.add_to_rewrite(&self.rewrite, &block.encode()).await.map_err(&failed)?;
        }
        Ok(gathered)
    }

    /// Adds the changed row; `None` when it is not one of `logs`.
    fn add(&self, block: &mut LogBlock, mut row: Vec<Value>) -> Option<()> {
        let mut attributes = std::mem::take(row.get_mut(9)?);
        self.subject.replace_in(&mut attributes);
        let text = |column: usize| {
            let text = row.get(column)?.as_str()?;
            Some(self.subject.replaced(text).unwrap_or_else(|| text.to_owned()))
        };
        let [source, host, message, trace_id, span_id] = [text(4)?, text(5)?, text(6)?, text(7)?, text(8)?];
        block.push(&LogRow {
            tenant_id: self.scope.organization_id(),
            project_id: Uuid::parse_str(row.first()?.as_str()?).ok()?,
            timestamp_ns: whole(&row[1])?,
            received_at_ms: whole(&row[2])?,
            level: whole(&row[3])?,
            source: &source,
            host: &host,
            message: &message,
            trace_id: &trace_id,
            span_id: &span_id,
            pattern_id: event::pattern::id(&message),
            attributes: &attributes.to_string(),
            batch_id: whole(row.get(10)?)?,
            batch_row: whole(row.get(11)?)?,
            retention_days: whole(row.get(12)?)?,
        });
        Some(())
    }

    async fn finish(&self, changed: u64, letters: u64) -> Result<(), ErasureError> {
        let mut request = self.job.request();
        let pseudonym = request["pseudonym"].clone();
        // The job outlives what it was for: it must not tell who that was.
        request["subject"] = pseudonym.clone();
        let certificate = json!({
            "job_id": self.job.id,
            "kind": self.job.kind(),
            "organization_id": self.scope.organization_id(),
            "project_id": self.job.project_id,
            "request": request,
            "requested_by": self.job.requested_by,
            "requested_at": rfc3339(self.job.created_at),
            "finished_at": rfc3339(now_us()),
            "rows_changed": changed,
            "dead_letters_changed": letters,
            "rows_left": 0,
        });
        store::finish_as(&self.erasure.db, self.job, &request, changed, &certificate).await?;
        let detail = json!({"rows": changed, "dead_letters": letters, "pseudonym": pseudonym});
        let target = Target::of(self.job.id, "logs");
        self.erasure.audit.record_of_system(self.scope, "pseudonymising.done", target, detail).await;
        Ok(())
    }
}
