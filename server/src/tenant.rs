//! The one thing that stands for "this organization, and nobody else's data".

use uuid::Uuid;

/// Proof that somebody may act within one organization.
///
/// Made by the auth extractors, and by background jobs for the organization that owns the job's row. Every store method and
/// every query compilation takes one first, so that forgetting the tenant does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantScope {
    organization_id: Uuid,
}

impl TenantScope {
    /// For auth extractors only: the credentials were checked.
    pub(crate) fn authenticated(organization_id: Uuid) -> Self {
        Self { organization_id }
    }

    /// For a background job acting on a row of this organization (an alert rule, a batch in the write-ahead log).
    pub(crate) fn of_job(organization_id: Uuid) -> Self {
        Self { organization_id }
    }

    #[must_use]
    pub fn organization_id(&self) -> Uuid {
        self.organization_id
    }
}
