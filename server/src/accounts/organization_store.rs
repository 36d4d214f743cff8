//! SQL of organizations, and of what a session shows of them.

use super::checked::Name;
use super::{AccountError, failed_to};
use crate::auth::role_of;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use api_types::accounts::{Organization, Role};
use uuid::Uuid;

crate::statements! {
    OF_MEMBER = "SELECT o.id, o.name, o.slug, m.role, m.row_rule FROM organizations o \
        JOIN memberships m ON m.organization_id = o.id WHERE o.id = $1 AND m.user_id = $2";
    ALL_OF_USER = "SELECT o.id, o.name, o.slug, m.role, m.row_rule FROM organizations o \
        JOIN memberships m ON m.organization_id = o.id WHERE m.user_id = $1 ORDER BY m.created_at, o.id";
    LAST_USED = "SELECT m.organization_id FROM memberships m WHERE m.user_id = $1 ORDER BY \
        (SELECT MAX(s.rotated_at) FROM sessions s WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) \
        DESC NULLS LAST, m.created_at, m.organization_id LIMIT 1";
    ORGANIZATION = "SELECT id, name, slug, 'viewer' AS role, CAST(NULL AS TEXT) AS row_rule FROM organizations WHERE id = $1";
    RENAME = "UPDATE organizations SET name = $2 WHERE id = $1";
}

#[derive(sqlx::FromRow)]
pub struct OrganizationRow {
    pub id: Uuid,
    name: String,
    slug: String,
    role: String,
    pub row_rule: Option<String>,
}

impl OrganizationRow {
    pub fn role(&self) -> Role {
        role_of(&self.role)
    }
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self { id: row.id.to_string(), name: row.name, slug: row.slug }
    }
}

/// The organization, if this user is a member.
pub async fn of_member(
    db: &Db,
    organization_id: Uuid,
    user_id: Uuid,
) -> Result<Option<OrganizationRow>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(OF_MEMBER)
        .bind(organization_id).bind(user_id).fetch_optional(pool).await)
    .map_err(failed_to("look up an organization"))
}

pub async fn all_of_user(db: &Db, user_id: Uuid) -> Result<Vec<OrganizationRow>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(ALL_OF_USER).bind(user_id).fetch_all(pool).await)
        .map_err(failed_to("list organizations"))
}

/// The organization in which the user was last, or the first they joined.
pub async fn last_used(db: &Db, user_id: Uuid) -> Result<Uuid, AccountError> {
    on!(db.read(), pool => sqlx::query_scalar(LAST_USED).bind(user_id).fetch_optional(pool).await)
        .map_err(failed_to("choose an organization"))?
        .ok_or(AccountError::NoOrganization)
}

pub async fn get(db: &Db, scope: &TenantScope) -> Result<Organization, AccountError> {
    on!(db.read(), pool => sqlx::query_as::<_, OrganizationRow>(ORGANIZATION)
        .bind(scope.organization_id()).fetch_optional(pool).await)
    .map_err(failed_to("look up the organization"))?
    .map(Organization::from)
    .ok_or(AccountError::NotFound)
}

pub async fn rename(db: &Db, scope: &TenantScope, name: &Name) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(RENAME)
        .bind(scope.organization_id()).bind(name.as_str()).execute(pool).await.map(|_| ()))
    .map_err(failed_to("rename the organization"))
}
