//! SQL of projects.

use super::checked::Name;
use super::{AccountError, failed_to};
use crate::auth::ProjectRoles;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::now_us;
use api_types::accounts::{Project, Role};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT id, name, retention_days FROM projects WHERE organization_id = $1 ORDER BY created_at, id";
    GET = "SELECT id, name, retention_days FROM projects WHERE organization_id = $1 AND id = $2";
    INSERT = "INSERT INTO projects (organization_id, id, name, retention_days, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (organization_id, name) DO NOTHING";
    CHANGE = "UPDATE projects SET name = COALESCE($3, name), retention_days = COALESCE($4, retention_days) \
        WHERE organization_id = $1 AND id = $2";
}

#[derive(sqlx::FromRow)]
struct ProjectRow {
    id: Uuid,
    name: String,
    retention_days: i64,
}

impl From<ProjectRow> for Project {
    fn from(row: ProjectRow) -> Self {
        let retention_days = u16::try_from(row.retention_days).unwrap_or(u16::MAX);
        Self { id: row.id.to_string(), name: row.name, retention_days, role: None }
    }
}

/// Oldest first: the first is the default one.
pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<Project>, AccountError> {
    let rows: Vec<ProjectRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).fetch_all(pool).await)
    .map_err(failed_to("list projects"))?;
    Ok(rows.into_iter().map(Project::from).collect())
}

/// Those that somebody sees, with the role that they have there where it is another than in the organization.
pub async fn list_for(
    db: &Db,
    scope: &TenantScope,
    role: Role,
    roles: &ProjectRoles,
) -> Result<Vec<Project>, AccountError> {
    let shown = |mut project: Project| {
        let project_id = Uuid::parse_str(&project.id).ok()?;
        let held = roles.in_project(role, project_id)?;
        project.role = Some(held).filter(|held| *held != role);
        Some(project)
    };
    Ok(list(db, scope).await?.into_iter().filter_map(shown).collect())
}

pub async fn get(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<Project, AccountError> {
    on!(db.read(), pool => sqlx::query_as::<_, ProjectRow>(GET)
        .bind(scope.organization_id()).bind(project_id).fetch_optional(pool).await)
    .map_err(failed_to("look up a project"))?
    .map(Project::from)
    .ok_or(AccountError::NotFound)
}

pub async fn insert(
    db: &Db,
    scope: &TenantScope,
    name: &Name,
    retention_days: u16,
) -> Result<Project, AccountError> {
    let project_id = Uuid::now_v7();
    let inserted = on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(project_id).bind(name.as_str())
        .bind(i64::from(retention_days)).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("create a project"))?;
    if inserted == 0 {
        return Err(AccountError::ProjectNameTaken);
    }
    Ok(Project { id: project_id.to_string(), name: name.as_str().to_owned(), retention_days, role: None })
}

/// What is absent stays.
pub async fn change(
    db: &Db,
    scope: &TenantScope,
    project_id: Uuid,
    name: Option<&Name>,
    retention_days: Option<u16>,
) -> Result<(), AccountError> {
    let changed = on!(db.write(), pool => sqlx::query(CHANGE)
        .bind(scope.organization_id()).bind(project_id).bind(name.map(Name::as_str))
        .bind(retention_days.map(i64::from))
        .execute(pool).await.map(|done| done.rows_affected()));
    match changed {
        Ok(0) => Err(AccountError::NotFound),
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(AccountError::ProjectNameTaken)
        }
        Err(source) => Err(AccountError::Store { action: "change a project", source }),
    }
}
