//! SQL of annotations. Alerts that fired are read from the history of the alerts.

use super::AnnotationError;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::annotations::{Annotation, AnnotationKind};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT id, project_id, kind, title, at FROM annotations \
        WHERE organization_id = $1 AND (project_id IS NULL OR project_id = $2) AND at >= $3 AND at < $4 \
        ORDER BY at DESC LIMIT $5";
    FIRED = "SELECT e.id, e.rule_id, e.rule_name, e.group_key, e.at FROM alert_events e \
        JOIN alert_rules r ON r.organization_id = e.organization_id AND r.id = e.rule_id \
        WHERE e.organization_id = $1 AND r.project_id = $2 AND e.at >= $3 AND e.at < $4 AND e.kind = 'fired' \
        ORDER BY e.at DESC LIMIT $5";
    INSERT = "INSERT INTO annotations (organization_id, id, project_id, kind, title, at, created_by, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    DELETE = "DELETE FROM annotations WHERE organization_id = $1 AND id = $2";
}

/// More marks than this over one histogram are none.
const MOST: i64 = 200;

/// What is looked at.
pub struct Window {
    pub project_id: Uuid,
    pub from_us: Micros,
    pub to_us: Micros,
}

pub struct New {
    pub kind: AnnotationKind,
    pub title: String,
    pub at_us: Micros,
    pub project_id: Option<Uuid>,
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> AnnotationError {
    move |source| match source.as_database_error() {
        Some(error) if error.is_foreign_key_violation() => AnnotationError::NoSuchProject,
        _ => AnnotationError::Store { action, source },
    }
}

/// Recorded ones and alerts, newest first.
pub async fn list(
    db: &Db,
    scope: &TenantScope,
    window: &Window,
    may_edit: bool,
) -> Result<Vec<Annotation>, AnnotationError> {
    let recorded: Vec<(Uuid, Option<Uuid>, String, String, Micros)> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).bind(window.project_id).bind(window.from_us).bind(window.to_us).bind(MOST)
        .fetch_all(pool).await)
    .map_err(failed_to("list annotations"))?;
    let fired: Vec<(Uuid, Uuid, String, String, Micros)> = on!(db.read(), pool => sqlx::query_as(FIRED)
        .bind(scope.organization_id()).bind(window.project_id).bind(window.from_us).bind(window.to_us).bind(MOST)
        .fetch_all(pool).await)
    .map_err(failed_to("list alerts that fired"))?;
    let mut found: Vec<(Micros, Annotation)> = Vec::with_capacity(recorded.len() + fired.len());
    for (id, project_id, kind, title, at) in recorded {
        let kind = if kind == "deployment" { AnnotationKind::Deployment } else { AnnotationKind::Note };
        let new = New { kind, title, at_us: at, project_id };
        found.push((at, shown(id, &new, may_edit)));
    }
    for (id, rule_id, rule_name, group, at) in fired {
        let title = if group.is_empty() { rule_name } else { format!("{rule_name}: {group}") };
        let new = New { kind: AnnotationKind::Alert, title, at_us: at, project_id: Some(window.project_id) };
        let alert_rule_id = Some(rule_id.to_string());
        found.push((at, Annotation { alert_rule_id, ..shown(id, &new, false) }));
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    Ok(found.into_iter().map(|(_, annotation)| annotation).collect())
}

fn shown(id: Uuid, new: &New, editable: bool) -> Annotation {
    Annotation {
        id: id.to_string(),
        kind: new.kind,
        at: rfc3339(new.at_us),
        title: new.title.clone(),
        project_id: new.project_id.map(|id| id.to_string()),
        alert_rule_id: None,
        editable,
    }
}

/// # Errors
/// `NoSuchProject`, also for another organization's.
pub async fn insert(
    db: &Db,
    scope: &TenantScope,
    by: Option<Uuid>,
    new: New,
) -> Result<Annotation, AnnotationError> {
    let id = Uuid::now_v7();
    let kind = if new.kind == AnnotationKind::Deployment { "deployment" } else { "note" };
    on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(id).bind(new.project_id).bind(kind).bind(&new.title)
        .bind(new.at_us).bind(by).bind(now_us())
        .execute(pool).await.map(|_| ()))
    .map_err(failed_to("record an annotation"))?;
    Ok(shown(id, &new, true))
}

pub async fn delete(db: &Db, scope: &TenantScope, id: Uuid) -> Result<(), AnnotationError> {
    let deleted = on!(db.write(), pool => sqlx::query(DELETE)
        .bind(scope.organization_id()).bind(id)
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("delete an annotation"))?;
    if deleted == 0 { Err(AnnotationError::NotFound) } else { Ok(()) }
}
