//! Asking for an erasure, looking at jobs, changing one's mind.

use super::store::{self, NewJob};
use super::{Erasure, ErasureError, archive, pseudonymise_http};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Owner, store as auth_store};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::logstore::Rows;
use crate::runtime::on_main;
use crate::search::plan::Plan;
use crate::search::respond::{rfc3339 as rfc3339_ns, whole};
use crate::search::time_range::{Asked, TimeRange};
use crate::time::{Micros, now_us, rfc3339};
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::erasure::{DeleteRequest, EraseAnswer, EraseRequest, Job, JobKind};
use serde_json::json;
use uuid::Uuid;

const REASON_CHARACTERS: usize = 500;

/// Before those of `search`: `delete` is no id of an event.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/delete").post(on_main(erase)))
        .service(web::resource("/api/v1/logs/pseudonymise").post(on_main(pseudonymise_http::ask)))
        .service(web::resource("/api/v1/organization/export").post(on_main(archive::http::ask)))
        .service(web::resource("/api/v1/jobs/{id}/archive").get(on_main(archive::http::download)))
        .service(web::resource("/api/v1/jobs").get(on_main(list)))
        .service(web::resource("/api/v1/jobs/{id}").get(on_main(get)).delete(on_main(cancel)));
}

/// Erases the logs that a filter finds in a range, after a time in which it can be cancelled; or only counts them.
///
/// # Errors
/// 404 for another's project, 422 `query_invalid`, `invalid`, 503.
async fn erase(
    admin: Member<Admin>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    body: web::Json<EraseRequest>,
) -> Result<(web::Json<EraseAnswer>, StatusCode), ApiError> {
    let reason = reason(&body.reason, body.preview)?;
    let project_id = erasure.project(&admin, body.project_id.as_deref()).await?;
    let asked = Asked { from: body.from.as_ref(), to: body.to.as_ref(), now: None, zone: body.tz.as_deref() };
    let range = TimeRange::parse(asked, now_us() * 1_000)?;
    let plan = Plan::new(&admin.sight(), project_id, &body.query, range)?;
    if !plan.checked().query.stages.is_empty() {
        let detail = "Give a filter: only the part of a query before the first `|` can be erased by.";
        return Err(InvalidFields::one("query", "has_stages", detail).into());
    }
    let counted = erasure.searches.interactive(admin.scope(), plan.count()?).await?;
    let rows_expected = counted.rows.first().and_then(|row| whole(row.first()?)).unwrap_or(0);
    if body.preview {
        let answer = EraseAnswer { job_id: None, rows_expected, starts_at: None };
        return Ok((web::Json(answer), StatusCode::OK));
    }
    let request = json!({
        "query": body.query,
        // The instants that were meant: the job runs later.
        "from": rfc3339_ns(plan.range().from_ns),
        "to": rfc3339_ns(plan.range().to_ns),
        "tz": body.tz,
        "reason": reason,
    });
    let job = NewJob {
        kind: JobKind::EraseLogs,
        project_id: Some(project_id),
        requested_by: admin.user_id(),
        request: request.clone(),
        starts_at: now_us() + erasure.delay_us,
        rows_expected,
    };
    let job_id = erasure.note(&admin, &job).await?;
    auditor.record("erasure.asked", Target::of(job_id, "logs"), request).await;
    Ok((web::Json(answer_of(job_id, &job)), StatusCode::ACCEPTED))
}

/// Deletes a project with its logs, keys and alerts, after a time in which it can be cancelled. Its name must be given.
///
/// # Errors
/// 404, 409 `last_project`, `deletion_pending`, 422 `invalid` when it is not its name.
pub async fn delete_project(
    admin: Member<Admin>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<DeleteRequest>,
) -> Result<(web::Json<EraseAnswer>, StatusCode), ApiError> {
    let project_id = Uuid::parse_str(&path).map_err(|_| ErasureError::NotFound)?;
    let name = store::project_name(&erasure.db, admin.scope(), project_id).await?;
    refuse_other_name(&name, &body.name)?;
    if store::project_count(&erasure.db, admin.scope()).await? == 1 {
        return Err(ErasureError::LastProject.into());
    }
    let scope = admin.scope();
    store::refuse_pending(&erasure.db, scope, JobKind::DeleteProject, Some(project_id)).await?;
    let job = NewJob {
        kind: JobKind::DeleteProject,
        project_id: Some(project_id),
        requested_by: admin.user_id(),
        request: json!({"name": name}),
        starts_at: now_us() + erasure.delay_us,
        rows_expected: erasure.count(scope, Rows::Project(project_id)).await?,
    };
    let job_id = erasure.note(&admin, &job).await?;
    auditor.record("project.deletion_asked", Target::of(project_id, name), json!({"job_id": job_id})).await;
    Ok((web::Json(answer_of(job_id, &job)), StatusCode::ACCEPTED))
}

/// Deletes the organization with everything in it, after some days in which it can be cancelled. Its name must be given.
///
/// # Errors
/// 409 `deletion_pending`, 422 `invalid` when it is not its name.
pub async fn delete_organization(
    owner: Member<Owner>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    body: web::Json<DeleteRequest>,
) -> Result<(web::Json<EraseAnswer>, StatusCode), ApiError> {
    let name = store::organization_name(&erasure.db, owner.scope()).await?;
    refuse_other_name(&name, &body.name)?;
    store::refuse_pending(&erasure.db, owner.scope(), JobKind::DeleteOrganization, None).await?;
    let job = NewJob {
        kind: JobKind::DeleteOrganization,
        project_id: None,
        requested_by: owner.user_id(),
        request: json!({"name": name}),
        starts_at: now_us() + erasure.grace_us,
        rows_expected: erasure.count(owner.scope(), Rows::All).await?,
    };
    let job_id = store::insert(&erasure.db, owner.scope(), &job).await?;
    erasure.news.notify_one();
    let target = Target::of(owner.org_id(), name);
    auditor.record("organization.deletion_asked", target, json!({"job_id": job_id})).await;
    Ok((web::Json(answer_of(job_id, &job)), StatusCode::ACCEPTED))
}

async fn list(admin: Member<Admin>, erasure: web::Data<Erasure>) -> Result<web::Json<List<Job>>, ApiError> {
    Ok(web::Json(store::list(&erasure.db, admin.scope()).await?.into()))
}

async fn get(
    admin: Member<Admin>,
    erasure: web::Data<Erasure>,
    path: web::Path<String>,
) -> Result<web::Json<Job>, ApiError> {
    let job_id = Uuid::parse_str(&path).map_err(|_| ErasureError::NotFound)?;
    Ok(web::Json(store::get(&erasure.db, admin.scope(), job_id).await?.into()))
}

/// Cancels a job that has not started.
///
/// # Errors
/// 404, 409 `job_started`.
async fn cancel(
    admin: Member<Admin>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let job_id = Uuid::parse_str(&path).map_err(|_| ErasureError::NotFound)?;
    let job = store::get(&erasure.db, admin.scope(), job_id).await?;
    store::cancel(&erasure.db, admin.scope(), job_id).await?;
    auditor.record("erasure.cancelled", Target::of(job_id, ""), json!({"kind": job.kind()})).await;
    Ok(NoContent)
}

/// Why it is asked for. A preview needs no reason.
pub(super) fn reason(given: &str, preview: bool) -> Result<&str, InvalidFields> {
    let reason = given.trim();
    if preview || (!reason.is_empty() && reason.chars().count() <= REASON_CHARACTERS) {
        return Ok(reason);
    }
    let detail = "Say in 1 to 500 characters why: it stands in the certificate.";
    Err(InvalidFields::one("reason", "missing", detail))
}

fn refuse_other_name(name: &str, typed: &str) -> Result<(), InvalidFields> {
    if name == typed.trim() {
        return Ok(());
    }
    Err(InvalidFields::one("name", "not_its_name", "Type the name exactly as it is, to be sure."))
}

fn answer_of(job_id: Uuid, job: &NewJob) -> EraseAnswer {
    EraseAnswer {
        job_id: Some(job_id.to_string()),
        rows_expected: job.rows_expected,
        starts_at: Some(rfc3339(job.starts_at)),
    }
}

impl Erasure {
    pub(super) async fn project(&self, admin: &Member<Admin>, asked: Option<&str>) -> Result<Uuid, ApiError> {
        let Some(asked) = asked else { return Ok(admin.default_project()) };
        let project_id = Uuid::parse_str(asked).map_err(|_| ErasureError::NotFound)?;
        let exists = auth_store::project_exists(&self.db, admin.org_id(), project_id).await?;
        if exists { Ok(project_id) } else { Err(ErasureError::NotFound.into()) }
    }

    pub(super) async fn count(
        &self,
        scope: &crate::tenant::TenantScope,
        rows: Rows,
    ) -> Result<u64, ErasureError> {
        let counted = self.logs.count_rows(scope, rows).await;
        counted.map_err(|source| ErasureError::Logs { action: "count the rows", source })
    }

    pub(super) async fn note(&self, admin: &Member<Admin>, job: &NewJob) -> Result<Uuid, ErasureError> {
        let job_id = store::insert(&self.db, admin.scope(), job).await?;
        self.news.notify_one();
        Ok(job_id)
    }

    /// How long until the next look at what is due.
    pub(super) fn pause(&self) -> Micros {
        self.delay_us.clamp(200_000, 5_000_000)
    }
}
