//! SQL of the listeners that belong to one project.

use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT organization_id, id, project_id, protocol, port, created_at, \
        (SELECT retention_days FROM projects p WHERE p.organization_id = l.organization_id AND p.id = l.project_id) AS retention_days \
        FROM syslog_listeners l WHERE organization_id = $1 ORDER BY id";
    EVERY = "SELECT organization_id, id, project_id, protocol, port, created_at, \
        (SELECT retention_days FROM projects p WHERE p.organization_id = l.organization_id AND p.id = l.project_id) AS retention_days \
        FROM syslog_listeners l ORDER BY organization_id, id";
    INSERT = "INSERT INTO syslog_listeners (organization_id, id, project_id, protocol, transport, port, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    DELETE = "DELETE FROM syslog_listeners WHERE organization_id = $1 AND id = $2";
    PROJECT = "SELECT retention_days FROM projects WHERE organization_id = $1 AND id = $2";
}

#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct StoreError {
    action: &'static str,
    #[source]
    source: sqlx::Error,
}

impl Problem for StoreError {
    fn kind(&self) -> ProblemKind {
        ProblemKind::of_sqlx(&self.source)
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError { action, source }
}

/// A listener as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Kept {
    pub organization_id: Uuid,
    pub id: Uuid,
    pub project_id: Uuid,
    /// `tcp`, `tls` or `udp`.
    pub protocol: String,
    pub port: i64,
    pub created_at: Micros,
    pub retention_days: i64,
}

pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<Kept>, StoreError> {
    on!(db.read(), pool => sqlx::query_as(LIST).bind(scope.organization_id()).fetch_all(pool).await)
        .map_err(failed("list syslog listeners"))
}

/// Those of all organizations, for the node that opens them.
pub async fn every(db: &Db) -> Result<Vec<Kept>, StoreError> {
    on!(db.read(), pool => sqlx::query_as(EVERY).fetch_all(pool).await)
        .map_err(failed("list all syslog listeners"))
}

/// Keeps a new one; nothing when its port is taken.
pub async fn insert(
    db: &Db,
    scope: &TenantScope,
    (project_id, retention_days): (Uuid, i64),
    protocol: &str,
    port: u16,
) -> Result<Option<Kept>, StoreError> {
    let kept = Kept {
        organization_id: scope.organization_id(),
        id: Uuid::now_v7(),
        project_id,
        protocol: protocol.to_owned(),
        port: i64::from(port),
        created_at: now_us(),
        retention_days,
    };
    let transport = if protocol == "udp" { "udp" } else { "tcp" };
    let done = on!(db.write(), pool => sqlx::query(INSERT)
        .bind(kept.organization_id).bind(kept.id).bind(kept.project_id).bind(&kept.protocol)
        .bind(transport).bind(kept.port).bind(kept.created_at)
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed("keep a syslog listener"))?;
    Ok((done > 0).then_some(kept))
}

/// Says whether there was one.
pub async fn delete(db: &Db, scope: &TenantScope, id: Uuid) -> Result<bool, StoreError> {
    on!(db.write(), pool => sqlx::query(DELETE)
        .bind(scope.organization_id()).bind(id).execute(pool).await.map(|done| done.rows_affected() > 0))
    .map_err(failed("delete a syslog listener"))
}

/// The retention of a project of the organization; nothing when it has no such project.
pub async fn project(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<Option<i64>, StoreError> {
    on!(db.read(), pool => sqlx::query_scalar(PROJECT)
        .bind(scope.organization_id()).bind(project_id).fetch_optional(pool).await)
    .map_err(failed("look up a project"))
}
