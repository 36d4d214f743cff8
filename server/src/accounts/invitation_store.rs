//! SQL of invitations. A row is pending or expired; accepting or withdrawing removes it.
//!
//! Whoever adds one to an organization, or to its members, holds the organization's row, so that two at once do not pass its limit.

use super::checked::{Email, Name};
use super::mail_link_store::INVITATION_US;
use super::member_store::LOCK;
use super::{AccountError, failed_to};
use crate::auth::{role_of, word_of};
use crate::db::Db;
use crate::on;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::accounts::{Invitation, Role};
use uuid::Uuid;

crate::statements! {
    LIST = "SELECT i.id, i.email, i.role, i.row_rule, i.created_at, i.expires_at, u.name AS invited_by FROM invitations i \
        LEFT JOIN users u ON u.id = i.invited_by WHERE i.organization_id = $1 ORDER BY i.created_at DESC, i.id DESC";
    REMOVE_EXPIRED = "DELETE FROM invitations WHERE organization_id = $1 AND email = $2 AND expires_at <= $3";
    IS_MEMBER = "SELECT m.user_id FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND u.email = $2";
    INSERT = "INSERT INTO invitations (organization_id, id, email, role, invited_by, created_at, expires_at, row_rule) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization_id, email) DO NOTHING";
    INSERT_LINK = "INSERT INTO mail_links (id, purpose, invitation_id, email, created_at, attempts, next_attempt_at) \
        VALUES ($1, 'invitation', $2, $3, $4, 0, $4)";
    RENEW = "UPDATE invitations SET expires_at = $3 WHERE organization_id = $1 AND id = $2 RETURNING email, role";
    END_LINKS = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL WHERE invitation_id = $1 AND used_at IS NULL";
    REMOVE = "DELETE FROM invitations WHERE organization_id = $1 AND id = $2 RETURNING email, role";
    BY_TOKEN = "SELECT i.organization_id, i.id, i.email, i.role, o.name AS organization, n.name AS invited_by, u.id AS user_id \
        FROM mail_links l JOIN invitations i ON i.id = l.invitation_id JOIN organizations o ON o.id = i.organization_id \
        LEFT JOIN users n ON n.id = i.invited_by LEFT JOIN users u ON u.email = i.email \
        WHERE l.token_hash = $1 AND l.purpose = 'invitation' AND l.used_at IS NULL AND i.expires_at > $2";
    TAKE = "DELETE FROM invitations WHERE organization_id = $1 AND id = $2 AND expires_at > $3 RETURNING role, row_rule";
    INSERT_USER = "INSERT INTO users (id, email, name, password_hash, email_verified_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (email) DO NOTHING";
    INSERT_MEMBER = "INSERT INTO memberships (organization_id, user_id, role, created_at, row_rule) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (organization_id, user_id) DO NOTHING";
    INVITED = "SELECT (SELECT COUNT(*) FROM memberships WHERE organization_id = $1) \
        + (SELECT COUNT(*) FROM invitations WHERE organization_id = $1 AND expires_at > $2)";
    MEMBERS = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1";
    SET_VERIFIED = "UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    id: Uuid,
    email: String,
    role: String,
    row_rule: Option<String>,
    created_at: Micros,
    expires_at: Micros,
    invited_by: Option<String>,
}

impl From<ListedRow> for Invitation {
    fn from(row: ListedRow) -> Self {
        Self {
            id: row.id.to_string(),
            email: row.email,
            role: role_of(&row.role),
            row_rule: row.row_rule,
            invited_by: row.invited_by,
            expired: row.expires_at <= now_us(),
            created_at: rfc3339(row.created_at),
            expires_at: rfc3339(row.expires_at),
        }
    }
}

/// What the link in a mail leads to, while it works.
#[derive(sqlx::FromRow)]
pub struct Found {
    pub organization_id: Uuid,
    pub id: Uuid,
    pub email: String,
    role: String,
    pub organization: String,
    pub invited_by: Option<String>,
    /// Who has this address already.
    pub user_id: Option<Uuid>,
}

impl Found {
    pub fn role(&self) -> Role {
        role_of(&self.role)
    }
}

/// To whom an invitation was, and as what.
#[derive(sqlx::FromRow)]
pub struct Gone {
    pub email: String,
    role: String,
}

impl Gone {
    pub fn role(&self) -> Role {
        role_of(&self.role)
    }
}

/// Who accepts.
pub enum Joining<'a> {
    Known(Uuid),
    New { name: &'a Name, password_hash: Option<&'a str> },
}

/// Newest first.
pub async fn list(db: &Db, scope: &TenantScope) -> Result<Vec<Invitation>, AccountError> {
    let rows: Vec<ListedRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).fetch_all(pool).await)
    .map_err(failed_to("list invitations"))?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

/// Makes the invitation and the job that mails it, if there are not more than `most` members and invitations then; 0 is no limit.
pub async fn invite(
    db: &Db,
    scope: &TenantScope,
    most: u64,
    email: &Email,
    (role, row_rule): (Role, Option<&RowRule>),
    by: Option<Uuid>,
) -> Result<Uuid, AccountError> {
    try_invite(db, scope.organization_id(), most, email, (role, row_rule), by)
        .await
        .map_err(failed_to("invite somebody"))?
}

async fn try_invite(
    db: &Db,
    organization_id: Uuid,
    most: u64,
    email: &Email,
    (role, row_rule): (Role, Option<&RowRule>),
    by: Option<Uuid>,
) -> Result<Result<Uuid, AccountError>, sqlx::Error> {
    let (id, now) = (Uuid::now_v7(), now_us());
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(organization_id).execute(&mut *transaction).await?;
        let member: Option<Uuid> = sqlx::query_scalar(IS_MEMBER)
            .bind(organization_id).bind(email.as_str()).fetch_optional(&mut *transaction).await?;
        if member.is_some() {
            return Ok(Err(AccountError::AlreadyMember));
        }
        sqlx::query(REMOVE_EXPIRED)
            .bind(organization_id).bind(email.as_str()).bind(now).execute(&mut *transaction).await?;
        let inserted = sqlx::query(INSERT)
            .bind(organization_id).bind(id).bind(email.as_str()).bind(word_of(role)).bind(by)
            .bind(now).bind(now + INVITATION_US).bind(row_rule.map(RowRule::as_str))
            .execute(&mut *transaction).await?.rows_affected();
        if inserted == 0 {
            return Ok(Err(AccountError::AlreadyInvited));
        }
        let invited: i64 = sqlx::query_scalar(INVITED)
            .bind(organization_id).bind(now).fetch_one(&mut *transaction).await?;
        if is_over(invited, most) {
            return Ok(Err(AccountError::NoRoomToInvite { most }));
        }
        sqlx::query(INSERT_LINK)
            .bind(Uuid::now_v7()).bind(id).bind(email.as_str()).bind(now)
            .execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Ok(id))
    })
}

/// Mails a new link, for another week; the older ones end. Not if there were more than `most` members and invitations then:
/// one that had expired counts again. 0 is no limit.
pub async fn resend(
    db: &Db,
    scope: &TenantScope,
    most: u64,
    invitation_id: Uuid,
) -> Result<Gone, AccountError> {
    try_resend(db, scope.organization_id(), most, invitation_id)
        .await
        .map_err(failed_to("send an invitation again"))?
}

async fn try_resend(
    db: &Db,
    organization_id: Uuid,
    most: u64,
    invitation_id: Uuid,
) -> Result<Result<Gone, AccountError>, sqlx::Error> {
    let now = now_us();
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(organization_id).execute(&mut *transaction).await?;
        let renewed: Option<Gone> = sqlx::query_as(RENEW)
            .bind(organization_id).bind(invitation_id).bind(now + INVITATION_US)
            .fetch_optional(&mut *transaction).await?;
        let Some(renewed) = renewed else { return Ok(Err(AccountError::NotFound)) };
        let invited: i64 = sqlx::query_scalar(INVITED)
            .bind(organization_id).bind(now).fetch_one(&mut *transaction).await?;
        if is_over(invited, most) {
            return Ok(Err(AccountError::NoRoomToInvite { most }));
        }
        sqlx::query(END_LINKS).bind(invitation_id).bind(now).execute(&mut *transaction).await?;
        sqlx::query(INSERT_LINK)
            .bind(Uuid::now_v7()).bind(invitation_id).bind(&renewed.email).bind(now)
            .execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Ok(renewed))
    })
}

/// Withdraws it; its link stops working.
pub async fn remove(db: &Db, scope: &TenantScope, invitation_id: Uuid) -> Result<Gone, AccountError> {
    on!(db.write(), pool => sqlx::query_as(REMOVE)
        .bind(scope.organization_id()).bind(invitation_id).fetch_optional(pool).await)
    .map_err(failed_to("withdraw an invitation"))?
    .ok_or(AccountError::NotFound)
}

pub async fn by_token(db: &Db, token_hash: &[u8]) -> Result<Found, AccountError> {
    on!(db.read(), pool => sqlx::query_as(BY_TOKEN)
        .bind(token_hash).bind(now_us()).fetch_optional(pool).await)
    .map_err(failed_to("look up an invitation"))?
    .ok_or(AccountError::LinkInvalid)
}

fn is_over(count: i64, most: u64) -> bool {
    most > 0 && count.unsigned_abs() > most
}

/// Uses the invitation up and makes the membership, and the user when there is none; tells the user. Not if there were more than
/// `most` members then; 0 is no limit.
pub async fn accept(db: &Db, found: &Found, most: u64, who: &Joining<'_>) -> Result<Uuid, AccountError> {
    try_accept(db, found, most, who).await.map_err(failed_to("accept an invitation"))?
}

async fn try_accept(
    db: &Db,
    found: &Found,
    most: u64,
    who: &Joining<'_>,
) -> Result<Result<Uuid, AccountError>, sqlx::Error> {
    let now = now_us();
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        sqlx::query(LOCK).bind(found.organization_id).execute(&mut *transaction).await?;
        let taken: Option<(String, Option<String>)> = sqlx::query_as(TAKE)
            .bind(found.organization_id).bind(found.id).bind(now).fetch_optional(&mut *transaction).await?;
        let Some((role, row_rule)) = taken else { return Ok(Err(AccountError::LinkInvalid)) };
        let user_id = match who {
            Joining::Known(user_id) => {
                sqlx::query(SET_VERIFIED).bind(*user_id).bind(now).execute(&mut *transaction).await?;
                *user_id
            }
            Joining::New { name, password_hash } => {
                let user_id = Uuid::now_v7();
                let made = sqlx::query(INSERT_USER)
                    .bind(user_id).bind(&found.email).bind(name.as_str()).bind(*password_hash).bind(now)
                    .execute(&mut *transaction).await?.rows_affected();
                if made == 0 {
                    return Ok(Err(AccountError::LoginNeeded));
                }
                user_id
            }
        };
        let joined = sqlx::query(INSERT_MEMBER)
            .bind(found.organization_id).bind(user_id).bind(role).bind(now).bind(row_rule)
            .execute(&mut *transaction).await?.rows_affected();
        let members: i64 = sqlx::query_scalar(MEMBERS)
            .bind(found.organization_id).fetch_one(&mut *transaction).await?;
        if joined > 0 && is_over(members, most) {
            return Ok(Err(AccountError::NoRoomToJoin { most }));
        }
        transaction.commit().await?;
        Ok(Ok(user_id))
    })
}
