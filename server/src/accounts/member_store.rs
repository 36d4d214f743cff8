//! SQL of members. Whoever changes roles holds the organization's row, so that two owners cannot demote each other at once.

use super::{AccountError, failed_to};
use crate::auth::{role_of, word_of};
use crate::db::Db;
use crate::on;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{Member, Role};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT u.id, u.email, u.name, m.role, m.row_rule, m.created_at, \
        (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL) AS factors FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 ORDER BY m.created_at, u.id";
    LOCK = "UPDATE organizations SET name = name WHERE id = $1";
    HELD = "SELECT role, row_rule FROM memberships WHERE organization_id = $1 AND user_id = $2";
    OWNERS = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND role = 'owner'";
    SET = "UPDATE memberships SET role = $3, row_rule = $4 WHERE organization_id = $1 AND user_id = $2";
    REMOVE = "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2";
    END_SESSIONS = "UPDATE sessions SET revoked_at = $3 WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    row_rule: Option<String>,
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
            row_rule: row.row_rule,
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

/// What happens to a member; what is absent stays.
pub enum Change {
    Set { role: Option<Role>, row_rule: Option<Option<RowRule>> },
    Remove,
}

#[derive(sqlx::FromRow)]
struct Held {
    role: String,
    row_rule: Option<String>,
}

/// Changes or removes a member; `by` is the role of who does it.
pub async fn change(
    db: &Db,
    scope: &TenantScope,
    user_id: Uuid,
    change: &Change,
    by: Role,
) -> Result<(), AccountError> {
    try_change(db, scope.organization_id(), user_id, change, by)
        .await
        .map_err(failed_to("change a member"))?
}

async fn try_change(
    db: &Db,
    organization_id: Uuid,
    user_id: Uuid,
    change: &Change,
    by: Role,
) -> Result<Result<(), AccountError>, sqlx::Error> {
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(organization_id).execute(&mut *transaction).await?;
        let held: Option<Held> = sqlx::query_as(HELD)
            .bind(organization_id).bind(user_id).fetch_optional(&mut *transaction).await?;
        let owners: i64 = sqlx::query_scalar(OWNERS)
            .bind(organization_id).fetch_one(&mut *transaction).await?;
        let wanted = match outcome(held.as_ref(), change, by, owners) {
            Ok(wanted) => wanted,
            Err(refused) => return Ok(Err(refused)),
        };
        match wanted {
            Some((role, row_rule)) => {
                sqlx::query(SET).bind(organization_id).bind(user_id).bind(word_of(role)).bind(row_rule)
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

/// The role and the row rule that the member has afterwards; `None` when they are gone.
fn outcome(
    held: Option<&Held>,
    change: &Change,
    by: Role,
    owners: i64,
) -> Result<Option<(Role, Option<String>)>, AccountError> {
    let role_held = held.map(|held| role_of(&held.role));
    let Change::Set { role, row_rule } = change else {
        return allowed(role_held, None, by, owners).map(|()| None);
    };
    let role = role.or(role_held);
    allowed(role_held, role, by, owners)?;
    let role = role.ok_or(AccountError::NotFound)?;
    let row_rule = match row_rule {
        Some(given) => given.as_ref().map(|rule| rule.as_str().to_owned()),
        None => held.and_then(|held| held.row_rule.clone()),
    };
    if role >= Role::Admin && row_rule.is_some() {
        return Err(AccountError::RowRuleOnAdmin);
    }
    Ok(Some((role, row_rule)))
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
    fn a_row_rule_stays_with_another_role_and_never_goes_with_an_admins() {
        let held = |role: &str| Held { role: role.into(), row_rule: Some("env:dev".into()) };
        let set = |role, row_rule| Change::Set { role, row_rule };
        let kept = outcome(Some(&held("viewer")), &set(Some(Role::Editor), None), Role::Admin, 1).unwrap();
        assert_eq!(kept, Some((Role::Editor, Some("env:dev".into()))));
        let gone = outcome(Some(&held("viewer")), &set(None, Some(None)), Role::Admin, 1).unwrap();
        assert_eq!(gone, Some((Role::Viewer, None)));
        let raised = outcome(Some(&held("viewer")), &set(Some(Role::Admin), None), Role::Owner, 1);
        assert!(matches!(raised, Err(AccountError::RowRuleOnAdmin)));
        let both = outcome(Some(&held("viewer")), &set(Some(Role::Admin), Some(None)), Role::Owner, 1);
        assert_eq!(both.unwrap(), Some((Role::Admin, None)));
    }

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
