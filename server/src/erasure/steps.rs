//! What each kind of job does. Every step may be done twice.

use super::store::{self, JobRow};
use super::{Erasure, ErasureError, archive, pseudonymise};
use crate::audit::Target;
use crate::email::Mail;
use crate::logstore::{QueryLimits, Rows};
use crate::search::plan::Plan;
use crate::search::respond::{key_of, whole};
use crate::search::time_range::{Asked, TimeRange};
use crate::sight::Sight;
use crate::tenant::TenantScope;
use crate::time::{now_us, rfc3339};
use api_types::erasure::JobKind;
use api_types::search::TimeInput;
use query_lang::sql::EventKey;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Events that one statement erases.
const AT_ONCE: u64 = 50_000;
/// How often, and how long apart, rows are looked for that were under way when access ended.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

pub async fn run(erasure: &Erasure, job: &JobRow) -> Result<(), ErasureError> {
    match (job.kind(), job.project_id) {
        (JobKind::EraseLogs, Some(project_id)) => erase_logs(erasure, job, project_id).await,
        (JobKind::DeleteProject, Some(project_id)) => delete_project(erasure, job, project_id).await,
        (JobKind::DeleteOrganization, _) => delete_organization(erasure, job).await,
        (JobKind::ExportOrganization, _) => archive::run(erasure, job).await,
        (JobKind::Pseudonymise, _) => pseudonymise::run(erasure, job).await,
        (JobKind::EraseLogs | JobKind::DeleteProject, None) => Err(ErasureError::NotFound),
    }
}

async fn erase_logs(erasure: &Erasure, job: &JobRow, project_id: Uuid) -> Result<(), ErasureError> {
    let scope = job.scope();
    let plan = plan_of(job, project_id)?;
    let (mut erased, mut before) = (job.rows_erased(), Vec::new());
    loop {
        let keys = matching(erasure, &scope, &plan).await?;
        if keys.is_empty() {
            break;
        }
        if keys == before {
            return Err(ErasureError::RowsLeft { left: keys.len() as u64 });
        }
        let done = erasure.logs.erase_events(&scope, project_id, &keys).await;
        done.map_err(|source| ErasureError::Logs { action: "erase events", source })?;
        erased += keys.len() as u64;
        store::progress(&erasure.db, job, erased).await?;
        before = keys;
    }
    let counted = erasure.searches.alert(&scope, plan.count()?).await?;
    let left = counted.rows.first().and_then(|row| whole(row.first()?)).unwrap_or(0);
    finish(erasure, job, erased, left).await?;
    let target = Target::of(job.id, "logs");
    erasure.audit.record_of_system(scope, "erasure.done", target, json!({"rows": erased})).await;
    Ok(())
}

/// The query of the job, over the instants that were meant when it was asked for.
fn plan_of(job: &JobRow, project_id: Uuid) -> Result<Plan, ErasureError> {
    let request = job.request();
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let (from, to) = (TimeInput::Text(text("from")), TimeInput::Text(text("to")));
    let asked_at = TimeInput::Text(rfc3339(job.created_at));
    let asked =
        Asked { from: Some(&from), to: Some(&to), now: Some(&asked_at), zone: request["tz"].as_str() };
    let range = TimeRange::parse(asked, job.created_at * 1_000)?;
    Ok(Plan::new(&Sight::whole(job.scope()), project_id, &text("query"), range)?)
}

/// Some of the events that the query finds.
async fn matching(
    erasure: &Erasure,
    scope: &TenantScope,
    plan: &Plan,
) -> Result<Vec<EventKey>, ErasureError> {
    let compiled = plan.samples(AT_ONCE)?;
    let failed = |source| ErasureError::Logs { action: "find the events to erase", source };
    let search = crate::logstore::Search {
        sql: compiled.sql,
        parameters: compiled.parameters,
        settings: query_lang::sql::SETTINGS,
        limits: QueryLimits::export(),
    };
    let mut rows = erasure.logs.query_stream(scope, &search).await.map_err(failed)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next().await.map_err(failed)? {
        keys.extend(key_of(&row));
    }
    Ok(keys)
}

async fn delete_project(erasure: &Erasure, job: &JobRow, project_id: Uuid) -> Result<(), ErasureError> {
    let scope = job.scope();
    end_access(erasure, &scope, Some(project_id)).await?;
    let erased = erase_all(erasure, job, Rows::Project(project_id)).await?;
    store::remove_project(&erasure.db, &scope, project_id).await?;
    erasure.auth.forget_sessions();
    finish(erasure, job, erased, 0).await?;
    let name = job.request()["name"].as_str().unwrap_or_default().to_owned();
    let target = Target::of(project_id, name);
    erasure.audit.record_of_system(scope, "project.deleted", target, json!({"rows": erased})).await;
    Ok(())
}

async fn delete_organization(erasure: &Erasure, job: &JobRow) -> Result<(), ErasureError> {
    let scope = job.scope();
    end_access(erasure, &scope, None).await?;
    let erased = erase_all(erasure, job, Rows::All).await?;
    archive::remove_all(erasure, &scope).await?;
    let owners = store::remove_organization(&erasure.db, &scope).await?;
    erasure.auth.forget_sessions();
    let certificate = finish(erasure, job, erased, 0).await?;
    for owner in owners {
        if let Err(error) = erasure.mailer.send(&proof_for(owner, job, &certificate)).await {
            tracing::error!(%error, job.id = %job.id, "the proof of an erasure could not be mailed; it is in `jobs`");
        }
    }
    Ok(())
}

async fn end_access(
    erasure: &Erasure,
    scope: &TenantScope,
    project_id: Option<Uuid>,
) -> Result<(), ErasureError> {
    for key in store::end_access(&erasure.db, scope, project_id).await? {
        erasure.auth.forget_key(&key).await;
    }
    erasure.auth.forget_sessions();
    Ok(())
}

/// Erases until two looks in a row find nothing: what was accepted just before access ended may still be on its way here.
async fn erase_all(erasure: &Erasure, job: &JobRow, rows: Rows) -> Result<u64, ErasureError> {
    let scope = job.scope();
    let logs = |action| move |source| ErasureError::Logs { action, source };
    let (mut erased, mut empty_looks, mut left) = (job.rows_erased(), 0, 0);
    for _ in 0..LOOKS {
        left = erasure.logs.count_rows(&scope, rows).await.map_err(logs("count the rows"))?;
        if left > 0 {
            empty_looks = 0;
            erasure.logs.erase_rows(&scope, rows).await.map_err(logs("erase rows"))?;
            erased += left;
        } else {
            empty_looks += 1;
        }
        store::progress(&erasure.db, job, erased).await?;
        if empty_looks == 3 {
            return Ok(erased);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Err(ErasureError::RowsLeft { left })
}

/// Writes the certificate; it is none while something is left.
async fn finish(erasure: &Erasure, job: &JobRow, erased: u64, left: u64) -> Result<Value, ErasureError> {
    if left > 0 {
        return Err(ErasureError::RowsLeft { left });
    }
    let certificate = json!({
        "job_id": job.id,
        "kind": job.kind(),
        "organization_id": job.scope().organization_id(),
        "project_id": job.project_id,
        "request": job.request(),
        "requested_by": job.requested_by,
        "requested_at": rfc3339(job.created_at),
        "finished_at": rfc3339(now_us()),
        "rows_erased": erased,
        "rows_left": left,
    });
    store::finish(&erasure.db, job, erased, &certificate).await?;
    Ok(certificate)
}

fn proof_for(owner: String, job: &JobRow, certificate: &Value) -> Mail {
    let name = job.request()["name"].as_str().unwrap_or_default().to_owned();
    let shown = serde_json::to_string_pretty(certificate).unwrap_or_default();
    let text = format!(
        "Hello,\n\nthe organization {name} was deleted as it was asked for, with its logs, alerts, keys and members. \
         This is the certificate:\n\n{shown}\n"
    );
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Mail {
        id: job.id,
        to: owner,
        subject: format!("{name} was deleted"),
        html: format!("<!doctype html><html lang=\"en\"><body><pre>{escaped}</pre></body></html>"),
        text,
    }
}
