//! SQL of jobs, and of what is left of projects and organizations at their end.

use super::ErasureError;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{MINUTE_US, Micros, now_us, rfc3339};
use api_types::erasure::{Job, JobKind, JobState};
use serde_json::Value;
use uuid::Uuid;

/// How long a node keeps a job without a sign of life.
const LEASE_US: Micros = 5 * MINUTE_US;

crate::statements! {
    INSERT = "INSERT INTO jobs (organization_id, id, kind, state, project_id, requested_by, request, created_at, starts_at, \
        rows_expected, rows_erased) VALUES ($1, $2, $3, 'waiting', $4, \
        COALESCE((SELECT email FROM users WHERE id = $5), 'an API key'), $6, $7, $8, $9, 0)";
    PENDING = "SELECT id FROM jobs WHERE organization_id = $1 AND kind = $2 AND state IN ('waiting', 'running') \
        AND (project_id = $3 OR (project_id IS NULL AND $2 IN ('delete_organization', 'export_organization')))";
    LIST = "SELECT organization_id, id, kind, state, project_id, requested_by, request, created_at, starts_at, finished_at, \
        rows_expected, rows_erased, last_error, certificate FROM jobs \
        WHERE organization_id = $1 ORDER BY created_at DESC, id DESC LIMIT 200";
    GET = "SELECT organization_id, id, kind, state, project_id, requested_by, request, created_at, starts_at, finished_at, \
        rows_expected, rows_erased, last_error, certificate FROM jobs WHERE organization_id = $1 AND id = $2";
    CANCEL = "UPDATE jobs SET state = 'cancelled', finished_at = $3 \
        WHERE organization_id = $1 AND id = $2 AND state = 'waiting'";
    CLAIM = "UPDATE jobs SET state = 'running', claimed_until = $2 WHERE id = \
        (SELECT id FROM jobs WHERE ((state = 'waiting' AND starts_at <= $1) OR (state = 'running' AND claimed_until <= $1)) \
        AND kind IN ('erase_logs', 'delete_project', 'delete_organization', 'pseudonymise', 'export_organization') \
        ORDER BY starts_at, id LIMIT 1) \
        AND ((state = 'waiting' AND starts_at <= $1) OR (state = 'running' AND claimed_until <= $1)) \
        RETURNING organization_id, id, kind, state, project_id, requested_by, request, created_at, starts_at, finished_at, \
        rows_expected, rows_erased, last_error, certificate";
    PROGRESS = "UPDATE jobs SET rows_erased = $3, claimed_until = $4, last_error = NULL \
        WHERE organization_id = $1 AND id = $2 AND state = 'running'";
    FAILED = "UPDATE jobs SET last_error = $3, claimed_until = $4 WHERE organization_id = $1 AND id = $2 AND state = 'running'";
    FINISH = "UPDATE jobs SET state = 'done', finished_at = $3, rows_erased = $4, certificate = $5, request = $6, \
        last_error = NULL, claimed_until = NULL WHERE organization_id = $1 AND id = $2 AND state = 'running'";
    PROJECT_NAME = "SELECT name FROM projects WHERE organization_id = $1 AND id = $2";
    COUNT_PROJECTS = "SELECT COUNT(*) FROM projects WHERE organization_id = $1";
    ORGANIZATION_NAME = "SELECT name FROM organizations WHERE id = $1";
    KEYS = "SELECT lookup FROM api_keys WHERE organization_id = $1 AND revoked_at IS NULL";
    PROJECT_KEYS = "SELECT lookup FROM api_keys WHERE organization_id = $1 AND project_id = $2 AND revoked_at IS NULL";
    END_KEYS = "UPDATE api_keys SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL";
    END_PROJECT_KEYS = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND project_id = $2 AND revoked_at IS NULL";
    END_SESSIONS = "UPDATE sessions SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL";
    PROJECT_LETTERS = "DELETE FROM dead_letters WHERE organization_id = $1 AND project_id = $2";
    REMOVE_PROJECT = "DELETE FROM projects WHERE organization_id = $1 AND id = $2";
    LETTERS = "DELETE FROM dead_letters WHERE organization_id = $1";
    USAGE = "DELETE FROM usage_daily WHERE organization_id = $1";
    USAGE_SOURCES = "DELETE FROM usage_sources WHERE organization_id = $1";
    USAGE_REFUSALS = "DELETE FROM usage_refusals WHERE organization_id = $1";
    OWNERS = "SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND m.role = 'owner'";
    REMOVE_USERS = "DELETE FROM users WHERE id IN (SELECT m.user_id FROM memberships m WHERE m.organization_id = $1) \
        AND NOT EXISTS (SELECT o.user_id FROM memberships o WHERE o.user_id = users.id AND o.organization_id <> $1)";
    REMOVE_ORGANIZATION = "DELETE FROM organizations WHERE id = $1";
    PROJECTS = "SELECT id, name FROM projects WHERE organization_id = $1 ORDER BY created_at, id";
    RETENTIONS = "SELECT organization_id, id, retention_days FROM projects ORDER BY organization_id, id";
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct JobRow {
    organization_id: Uuid,
    pub id: Uuid,
    kind: String,
    state: String,
    pub project_id: Option<Uuid>,
    pub requested_by: String,
    request: String,
    pub created_at: Micros,
    starts_at: Micros,
    finished_at: Option<Micros>,
    rows_expected: i64,
    rows_erased: i64,
    last_error: Option<String>,
    certificate: Option<String>,
}

impl JobRow {
    pub fn scope(&self) -> TenantScope {
        TenantScope::of_job(self.organization_id)
    }

    pub fn kind(&self) -> JobKind {
        kind_of(&self.kind)
    }

    pub fn request(&self) -> Value {
        serde_json::from_str(&self.request).unwrap_or_default()
    }

    pub fn rows_erased(&self) -> u64 {
        self.rows_erased.unsigned_abs()
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind(),
            state: match row.state.as_str() {
                "waiting" => JobState::Waiting,
                "running" => JobState::Running,
                "cancelled" => JobState::Cancelled,
                _ => JobState::Done,
            },
            request: row.request(),
            project_id: row.project_id.map(|id| id.to_string()),
            requested_by: row.requested_by,
            created_at: rfc3339(row.created_at),
            starts_at: rfc3339(row.starts_at),
            finished_at: row.finished_at.map(rfc3339),
            rows_expected: row.rows_expected.unsigned_abs(),
            rows_erased: row.rows_erased.unsigned_abs(),
            last_error: row.last_error,
            certificate: row.certificate.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

fn kind_of(word: &str) -> JobKind {
    match word {
        "delete_project" => JobKind::DeleteProject,
        "delete_organization" => JobKind::DeleteOrganization,
        "pseudonymise" => JobKind::Pseudonymise,
        "export_organization" => JobKind::ExportOrganization,
        // `CLAIM` takes no job of a kind that is not known here.
        _ => JobKind::EraseLogs,
    }
}

fn word_of(kind: JobKind) -> &'static str {
    match kind {
        JobKind::EraseLogs => "erase_logs",
        JobKind::DeleteProject => "delete_project",
        JobKind::DeleteOrganization => "delete_organization",
        JobKind::Pseudonymise => "pseudonymise",
        JobKind::ExportOrganization => "export_organization",
    }
}

pub struct NewJob {
    pub kind: JobKind,
    pub project_id: Option<Uuid>,
    pub requested_by: Option<Uuid>,
    pub request: Value,
    pub starts_at: Micros,
    pub rows_expected: u64,
}

pub async fn insert(db: &Db, scope: &TenantScope, new: &NewJob) -> Result<Uuid, ErasureError> {
    let id = Uuid::now_v7();
    on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(id).bind(word_of(new.kind)).bind(new.project_id)
        .bind(new.requested_by).bind(new.request.to_string()).bind(now_us()).bind(new.starts_at)
        .bind(i64::try_from(new.rows_expected).unwrap_or(i64::MAX))
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("note a job"))?;
    Ok(id)
}

/// # Errors
/// `Already` when the same is to be deleted anyway.
pub async fn refuse_pending(
    db: &Db,
    scope: &TenantScope,
    kind: JobKind,
    project_id: Option<Uuid>,
) -> Result<(), ErasureError> {
    let pending: Option<Uuid> = on!(db.read(), pool => sqlx::query_scalar(PENDING)
        .bind(scope.organization_id()).bind(word_of(kind)).bind(project_id).fetch_optional(pool).await)
    .map_err(failed_to("look for jobs"))?;
    if pending.is_some() { Err(ErasureError::Already) } else { Ok(()) }
}

/// Newest first.
pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<Job>, ErasureError> {
    let rows: Vec<JobRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).fetch_all(pool).await)
    .map_err(failed_to("list jobs"))?;
    Ok(rows.into_iter().map(Job::from).collect())
}

pub async fn get(db: &Db, scope: &TenantScope, job_id: Uuid) -> Result<JobRow, ErasureError> {
    on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(job_id).fetch_optional(pool).await)
    .map_err(failed_to("look up a job"))?
    .ok_or(ErasureError::NotFound)
}

pub async fn cancel(db: &Db, scope: &TenantScope, job_id: Uuid) -> Result<(), ErasureError> {
    let cancelled = on!(db.write(), pool => sqlx::query(CANCEL)
        .bind(scope.organization_id()).bind(job_id).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("cancel a job"))?;
    if cancelled == 1 { Ok(()) } else { Err(ErasureError::Started) }
}

/// Takes the job that is due for longest.
pub async fn claim(db: &Db) -> Result<Option<JobRow>, ErasureError> {
    let now = now_us();
    on!(db.write(), pool => sqlx::query_as(CLAIM)
        .bind(now).bind(now + LEASE_US).fetch_optional(pool).await)
    .map_err(failed_to("take a job"))
}

/// Notes how far it is, and keeps it.
pub async fn progress(db: &Db, job: &JobRow, rows_erased: u64) -> Result<(), ErasureError> {
    on!(db.write(), pool => sqlx::query(PROGRESS)
        .bind(job.organization_id).bind(job.id).bind(i64::try_from(rows_erased).unwrap_or(i64::MAX))
        .bind(now_us() + LEASE_US).execute(pool).await.map(|_| ()))
    .map_err(failed_to("note the progress of a job"))
}

/// Notes what went wrong; it is tried again in a while.
pub async fn failed(db: &Db, job: &JobRow, error: &str, again_in: Micros) -> Result<(), ErasureError> {
    on!(db.write(), pool => sqlx::query(FAILED)
        .bind(job.organization_id).bind(job.id).bind(error).bind(now_us() + again_in)
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("note the failure of a job"))
}

pub async fn finish(db: &Db, job: &JobRow, rows: u64, certificate: &Value) -> Result<(), ErasureError> {
    finish_as(db, job, &job.request(), rows, certificate).await
}

/// The same, and keeps another request than the one that was made.
pub async fn finish_as(
    db: &Db,
    job: &JobRow,
    request: &Value,
    rows: u64,
    certificate: &Value,
) -> Result<(), ErasureError> {
    on!(db.write(), pool => sqlx::query(FINISH)
        .bind(job.organization_id).bind(job.id).bind(now_us()).bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .bind(certificate.to_string()).bind(request.to_string()).execute(pool).await.map(|_| ()))
    .map_err(failed_to("finish a job"))
}

pub async fn project_name(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<String, ErasureError> {
    on!(db.read(), pool => sqlx::query_scalar(PROJECT_NAME)
        .bind(scope.organization_id()).bind(project_id).fetch_optional(pool).await)
    .map_err(failed_to("look up a project"))?
    .ok_or(ErasureError::NotFound)
}

pub async fn project_count(db: &Db, scope: &TenantScope) -> Result<i64, ErasureError> {
    on!(db.read(), pool => sqlx::query_scalar(COUNT_PROJECTS)
        .bind(scope.organization_id()).fetch_one(pool).await)
    .map_err(failed_to("count projects"))
}

pub async fn organization_name(db: &Db, scope: &TenantScope) -> Result<String, ErasureError> {
    on!(db.read(), pool => sqlx::query_scalar(ORGANIZATION_NAME)
        .bind(scope.organization_id()).fetch_optional(pool).await)
    .map_err(failed_to("look up the organization"))?
    .ok_or(ErasureError::NotFound)
}

/// Ends the keys of a project, or of all of them with every session; tells which keys.
pub async fn end_access(
    db: &Db,
    scope: &TenantScope,
    project_id: Option<Uuid>,
) -> Result<Vec<String>, ErasureError> {
    let ended: Result<Vec<String>, sqlx::Error> = async {
        let (organization_id, now) = (scope.organization_id(), now_us());
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let keys = match project_id {
                Some(project_id) => {
                    let keys = sqlx::query_scalar(PROJECT_KEYS)
                        .bind(organization_id).bind(project_id).fetch_all(&mut *transaction).await?;
                    sqlx::query(END_PROJECT_KEYS)
                        .bind(organization_id).bind(project_id).bind(now).execute(&mut *transaction).await?;
                    keys
                }
                None => {
                    let keys = sqlx::query_scalar(KEYS)
                        .bind(organization_id).fetch_all(&mut *transaction).await?;
                    sqlx::query(END_KEYS).bind(organization_id).bind(now).execute(&mut *transaction).await?;
                    sqlx::query(END_SESSIONS).bind(organization_id).bind(now).execute(&mut *transaction).await?;
                    keys
                }
            };
            transaction.commit().await?;
            Ok(keys)
        })
    }
    .await;
    ended.map_err(failed_to("end the access to what is deleted"))
}

pub async fn remove_project(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<(), ErasureError> {
    let removed = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(PROJECT_LETTERS)
                .bind(scope.organization_id()).bind(project_id).execute(&mut *transaction).await?;
            sqlx::query(REMOVE_PROJECT)
                .bind(scope.organization_id()).bind(project_id).execute(&mut *transaction).await?;
            transaction.commit().await
        })
    };
    removed.await.map_err(failed_to("remove a project"))
}

/// Removes the organization with everything in it, and the people who were in no other; tells the owners' addresses.
pub async fn remove_organization(db: &Db, scope: &TenantScope) -> Result<Vec<String>, ErasureError> {
    let removed: Result<Vec<String>, sqlx::Error> = async {
        let organization_id = scope.organization_id();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let owners = sqlx::query_scalar(OWNERS)
                .bind(organization_id).fetch_all(&mut *transaction).await?;
            for statement in [LETTERS, USAGE, USAGE_SOURCES, USAGE_REFUSALS] {
                sqlx::query(statement).bind(organization_id).execute(&mut *transaction).await?;
            }
            sqlx::query(REMOVE_USERS).bind(organization_id).execute(&mut *transaction).await?;
            sqlx::query(REMOVE_ORGANIZATION).bind(organization_id).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(owners)
        })
    }
    .await;
    removed.map_err(failed_to("remove an organization"))
}

#[derive(sqlx::FromRow)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
}

pub async fn projects(db: &Db, scope: &TenantScope) -> Result<Vec<Project>, ErasureError> {
    on!(db.read(), pool => sqlx::query_as(PROJECTS).bind(scope.organization_id()).fetch_all(pool).await)
        .map_err(failed_to("list projects"))
}

#[derive(sqlx::FromRow)]
pub struct Retention {
    organization_id: Uuid,
    pub id: Uuid,
    retention_days: i64,
}

impl Retention {
    pub fn scope(&self) -> TenantScope {
        TenantScope::of_job(self.organization_id)
    }

    pub fn days(&self) -> u16 {
        u16::try_from(self.retention_days).unwrap_or(u16::MAX)
    }
}

/// Every project of this installation, with how long it keeps its logs.
pub async fn retentions(db: &Db) -> Result<Vec<Retention>, ErasureError> {
    on!(db.read(), pool => sqlx::query_as(RETENTIONS).fetch_all(pool).await)
        .map_err(failed_to("list retentions"))
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> ErasureError {
    move |source| ErasureError::Store { action, source }
}
