//! A person's role in single projects, where it differs from the one in the organization.
//!
//! Admins and owners have theirs everywhere. Of everybody else the route table tells what they may call: routes that ask for the
//! role in a project (`Access::Project`), and routes that show nothing of any (`Access::Anywhere`). All others are closed to who
//! has different roles in different projects, so that a route which is new shows nothing too much.

use super::{role_of, store};
use crate::db::Db;
use crate::route_table::{Access, access};
use actix_web::HttpRequest;
use api_types::accounts::Role;
use std::sync::Arc;
use uuid::Uuid;

/// Those that differ; `None` is no access at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectRoles(Arc<[(Uuid, Option<Role>)]>);

impl ProjectRoles {
    /// Of somebody with this role in the organization.
    pub(super) fn of(role: Role, rows: Vec<(Uuid, String)>) -> Self {
        if role >= Role::Admin {
            return Self::default();
        }
        let roles = rows.into_iter().map(|(project_id, word)| (project_id, project_role(&word)));
        Self(roles.filter(|(_, held)| *held != Some(role)).collect())
    }

    /// # Errors
    /// The database does not answer.
    pub(super) async fn load(
        db: &Db,
        organization_id: Uuid,
        user_id: Uuid,
        role: Role,
    ) -> Result<Self, super::AuthError> {
        if role >= Role::Admin {
            return Ok(Self::default());
        }
        Ok(Self::of(role, store::project_roles(db, organization_id, user_id).await?))
    }

    /// The role in a project; `None` when the project is not to be seen.
    #[must_use]
    pub fn in_project(&self, organization_role: Role, project_id: Uuid) -> Option<Role> {
        let own = self.0.iter().find(|(id, _)| *id == project_id);
        own.map_or(Some(organization_role), |(_, role)| *role)
    }

    /// The largest role that the person has anywhere.
    fn highest(&self, organization_role: Role) -> Role {
        self.0.iter().filter_map(|(_, role)| *role).fold(organization_role, Role::max)
    }

    /// Whether somebody may call this route, as far as it can be told before it is known which project it is about.
    pub(super) fn may_call(&self, request: &HttpRequest, held: Role, needed: Role) -> MayCall {
        let asked = request.match_pattern().and_then(|path| access(request.method().as_str(), &path));
        let is_per_project = matches!(asked, Some(Access::Project(_)));
        let enough = if is_per_project { self.highest(held) >= needed } else { held >= needed };
        match asked {
            _ if !enough => MayCall::RoleTooSmall,
            Some(Access::Member(_)) if !self.0.is_empty() => MayCall::OnlyInSomeProjects,
            _ => MayCall::Yes,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayCall {
    Yes,
    RoleTooSmall,
    OnlyInSomeProjects,
}

fn project_role(word: &str) -> Option<Role> {
    (word != "none").then(|| role_of(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_in_a_project_counts_there_alone_and_never_for_admins() {
        let (hidden, raised, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let rows =
            || vec![(hidden, "none".to_owned()), (raised, "editor".to_owned()), (other, "viewer".to_owned())];
        let viewer = ProjectRoles::of(Role::Viewer, rows());
        assert_eq!(viewer.in_project(Role::Viewer, hidden), None);
        assert_eq!(viewer.in_project(Role::Viewer, raised), Some(Role::Editor));
        assert_eq!(viewer.in_project(Role::Viewer, other), Some(Role::Viewer));
        assert_eq!(viewer.highest(Role::Viewer), Role::Editor);
        let admin = ProjectRoles::of(Role::Admin, rows());
        assert_eq!(admin.in_project(Role::Admin, hidden), Some(Role::Admin));
        assert_eq!(ProjectRoles::of(Role::Viewer, vec![(other, "viewer".into())]), ProjectRoles::default());
    }
}
