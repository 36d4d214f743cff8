//! Whether somebody who was let in a while ago would still be: for answers that go on for hours, such as a live tail.

use super::{Auth, AuthError, Identity, store};
use crate::sight::RowRule;
use crate::time::now_us;
use uuid::Uuid;

/// What gave a caller the right to read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Standing {
    organization_id: Uuid,
    by: By,
    /// What narrows it: another rule is another right.
    row_rule: Option<RowRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum By {
    Session(Uuid),
    Key(Uuid),
}

impl Standing {
    pub(super) fn of(identity: &Identity) -> Self {
        match identity {
            Identity::Person { session_id, membership, .. } => Self {
                organization_id: membership.scope.organization_id(),
                by: By::Session(*session_id),
                row_rule: membership.row_rule.clone(),
            },
            Identity::Key(key) => Self {
                organization_id: key.scope.organization_id(),
                by: By::Key(key.id),
                row_rule: key.row_rule.clone(),
            },
        }
    }
}

impl Auth {
    /// Whether the right still holds for this project, asked of the database and not of a cache.
    ///
    /// # Errors
    /// The database does not answer: nobody knows.
    pub async fn still_reads(&self, standing: &Standing, project_id: Uuid) -> Result<bool, AuthError> {
        let organization_id = standing.organization_id;
        let now = now_us();
        let rule_now = match standing.by {
            By::Session(id) => {
                store::live_session(&self.db, id, organization_id, now).await?.map(|row| row.row_rule)
            }
            By::Key(id) => store::live_key(&self.db, organization_id, id, now).await?.map(|row| row.row_rule),
        };
        let stands = rule_now.is_some_and(|rule| rule.map(RowRule::stored) == standing.row_rule);
        Ok(stands && store::project_exists(&self.db, organization_id, project_id).await?)
    }
}
