//! SQL of members. Whoever changes roles holds the organization's row, so that two owners cannot demote each other at once.

use super::{AccountError, failed_to};
use crate::auth::{role_of, word_of};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{Member, Role};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT u.id, u.email, u.name, m.role, m.created_at, \
        (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL) AS factors FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 ORDER BY m.created_at, u.id";
    LOCK = "UPDATE organizations SET name = name WHERE id = $1";
    ROLE = "SELECT role FROM memberships WHERE organization_id = $1 AND user_id = $2";
    OWNERS = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND role = 'owner'";
    SET_ROLE = "UPDATE memberships SET role = $3 WHERE organization_id = $1 AND user_id = $2";
    REMOVE = "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2";
    END_SESSIONS = "UPDATE sessions SET revoked_at = $3 WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    created_at: Micros,
    factors: i64,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            user_id: row.id.to_string(),
            email: row.email,
            name: row.name,
            role: role_of(&row.role),
            second_factor: row.factors > 0,
            joined_at: rfc3339(row.created_at),
        }
    }
}

/// In the order in which they joined.
pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<Member>, AccountError> {
    let rows: Vec<MemberRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).fetch_all(pool).await)
    .map_err(failed_to("list members"))?;
    Ok(rows.into_iter().map(Member::from).collect())
}

/// Gives a member a role, or with `None` removes them; `by` is the role of who does it.
pub async fn change(
    db: &Db,
    scope: &TenantScope,
    user_id: Uuid,
    role: Option<Role>,
    by: Role,
) -> Result<(), AccountError> {
    try_change(db, scope.organization_id(), user_id, role, by).await.map_err(failed_to("change a member"))?
}

async fn try_change(
    db: &Db,
    organization_id: Uuid,
    user_id: Uuid,
    role: Option<Role>,
    by: Role,
) -> Result<Result<(), AccountError>, sqlx::Error> {
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(organization_id).execute(&mut *transaction).await?;
        let held: Option<String> = sqlx::query_scalar(ROLE)
            .bind(organization_id).bind(user_id).fetch_optional(&mut *transaction).await?;
        let owners: i64 = sqlx::query_scalar(OWNERS)
            .bind(organization_id).fetch_one(&mut *transaction).await?;
        if let Err(refused) = allowed(held.as_deref().map(role_of), role, by, owners) {
            return Ok(Err(refused));
        }
        match role {
            Some(role) => {
                sqlx::query(SET_ROLE).bind(organization_id).bind(user_id).bind(word_of(role))
                    .execute(&mut *transaction).await?;
            }
            None => {
                sqlx::query(REMOVE).bind(organization_id).bind(user_id).execute(&mut *transaction).await?;
                sqlx::query(END_SESSIONS).bind(organization_id).bind(user_id).bind(now_us())
                    .execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(Ok(()))
    })
}

/// Makes a member the owner, and whoever was it and gives it away an admin.
pub async fn transfer(db: &Db, scope: &TenantScope, from: Uuid, to: Uuid) -> Result<(), AccountError> {
    try_transfer(db, scope.organization_id(), from, to)
        .await
        .map_err(failed_to("transfer an organization"))?
}

async fn try_transfer(
    db: &Db,
    organization_id: Uuid,
    from: Uuid,
    to: Uuid,
) -> Result<Result<(), AccountError>, sqlx::Error> {
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(organization_id).execute(&mut *transaction).await?;
        let held: Option<String> = sqlx::query_scalar(ROLE)
            .bind(organization_id).bind(from).fetch_optional(&mut *transaction).await?;
        if held.as_deref() != Some(word_of(Role::Owner)) {
            return Ok(Err(AccountError::OwnersOnly));
        }
        let made = sqlx::query(SET_ROLE)
            .bind(organization_id).bind(to).bind(word_of(Role::Owner)).execute(&mut *transaction).await?;
        if made.rows_affected() == 0 {
            return Ok(Err(AccountError::NotFound));
        }
        sqlx::query(SET_ROLE).bind(organization_id).bind(from).bind(word_of(Role::Admin))
            .execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    })
}

fn allowed(held: Option<Role>, wanted: Option<Role>, by: Role, owners: i64) -> Result<(), AccountError> {
    let Some(held) = held else {
        return Err(AccountError::NotFound);
    };
    let is_about_owners = held == Role::Owner || wanted == Some(Role::Owner);
    if is_about_owners && by != Role::Owner {
        return Err(AccountError::OwnersOnly);
    }
    if held == Role::Owner && wanted != Some(Role::Owner) && owners == 1 {
        return Err(AccountError::LastOwner);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_made_and_unmade_by_owners_and_the_last_one_stays() {
        use Role::{Admin, Editor, Owner, Viewer};
        assert!(allowed(Some(Viewer), Some(Editor), Admin, 1).is_ok());
        assert!(allowed(Some(Viewer), None, Admin, 1).is_ok());
        assert!(allowed(Some(Admin), Some(Owner), Owner, 1).is_ok());
        assert!(allowed(Some(Owner), None, Owner, 2).is_ok());
        assert!(matches!(allowed(Some(Admin), Some(Owner), Admin, 1), Err(AccountError::OwnersOnly)));
        assert!(matches!(allowed(Some(Owner), Some(Viewer), Admin, 2), Err(AccountError::OwnersOnly)));
        assert!(matches!(allowed(Some(Owner), Some(Viewer), Owner, 1), Err(AccountError::LastOwner)));
        assert!(matches!(allowed(Some(Owner), None, Owner, 1), Err(AccountError::LastOwner)));
        assert!(matches!(allowed(None, None, Owner, 1), Err(AccountError::NotFound)));
    }
}
