//! Whether somebody who was let in a while ago would still be: for answers that go on for hours, such as a live tail.

use super::store::{self, SessionRow};
use super::{Auth, AuthError, Identity, ProjectRoles, role_of};
use crate::time::now_us;
use uuid::Uuid;

/// What gave a caller the right to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    organization_id: Uuid,
    by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum By {
    Session(Uuid),
    Key(Uuid),
}

impl Standing {
    pub(super) fn of(identity: &Identity) -> Self {
        match identity {
            Identity::Person { session_id, membership, .. } => {
                Self { organization_id: membership.scope.organization_id(), by: By::Session(*session_id) }
            }
            Identity::Key(key) => Self { organization_id: key.scope.organization_id(), by: By::Key(key.id) },
        }
    }
}

impl Auth {
    async fn sees(
        &self,
        organization_id: Uuid,
        session: &SessionRow,
        project_id: Uuid,
    ) -> Result<bool, AuthError> {
        let role = role_of(&session.role);
        let roles = ProjectRoles::load(&self.db, organization_id, session.user_id, role).await?;
        Ok(roles.in_project(role, project_id).is_some())
    }

    /// Whether the right still holds for this project, asked of the database and not of a cache.
    ///
    /// # Errors
    /// The database does not answer: nobody knows.
    pub async fn still_reads(&self, standing: &Standing, project_id: Uuid) -> Result<bool, AuthError> {
        let organization_id = standing.organization_id;
        let stands = match standing.by {
            By::Session(id) => match store::live_session(&self.db, id, organization_id, now_us()).await? {
                Some(row) => self.sees(organization_id, &row, project_id).await?,
                None => false,
            },
            By::Key(id) => store::live_key(&self.db, organization_id, id, now_us()).await?,
        };
        Ok(stands && store::project_exists(&self.db, organization_id, project_id).await?)
    }
}
