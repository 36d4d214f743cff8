//! SQL of roles in single projects. They go with the membership and with the project.

use super::{AccountError, failed_to};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use api_types::accounts::{ProjectRole, ProjectRoleOf};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT project_id, role FROM project_roles WHERE organization_id = $1 AND user_id = $2 ORDER BY project_id";
    CLEAR = "DELETE FROM project_roles WHERE organization_id = $1 AND user_id = $2";
    INSERT = "INSERT INTO project_roles (organization_id, user_id, project_id, role) VALUES ($1, $2, $3, $4)";
}

pub async fn list(db: &Db, scope: &TenantScope, user_id: Uuid) -> Result<Vec<ProjectRoleOf>, AccountError> {
    let rows: Vec<(Uuid, String)> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).bind(user_id).fetch_all(pool).await)
    .map_err(failed_to("list roles in projects"))?;
    let shown = |(project_id, word): (Uuid, String)| ProjectRoleOf {
        project_id: project_id.to_string(),
        role: match word.as_str() {
            "editor" => ProjectRole::Editor,
            "viewer" => ProjectRole::Viewer,
            _ => ProjectRole::None,
        },
    };
    Ok(rows.into_iter().map(shown).collect())
}

pub async fn replace(
    db: &Db,
    scope: &TenantScope,
    user_id: Uuid,
    roles: &[(Uuid, ProjectRole)],
) -> Result<(), AccountError> {
    let replaced = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(CLEAR).bind(scope.organization_id()).bind(user_id).execute(&mut *transaction).await?;
            for (project_id, role) in roles {
                sqlx::query(INSERT)
                    .bind(scope.organization_id()).bind(user_id).bind(*project_id).bind(word_of(*role))
                    .execute(&mut *transaction).await?;
            }
            transaction.commit().await
        })
    };
    replaced.await.map_err(failed_to("change roles in projects"))
}

fn word_of(role: ProjectRole) -> &'static str {
    match role {
        ProjectRole::None => "none",
        ProjectRole::Viewer => "viewer",
        ProjectRole::Editor => "editor",
    }
}
