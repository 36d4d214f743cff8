//! SQL of users and of signing up.

use super::checked::{Email, Name};
use super::notices::{Notice, tell};
use super::{AccountError, failed_to};
use crate::db::Db;
use crate::on;
use crate::time::{Micros, now_us};
use uuid::Uuid;

crate::statements! {
    INSERT_USER = "INSERT INTO users (id, email, name, password_hash, email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (email) DO NOTHING";
    INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (slug) DO NOTHING";
    INSERT_OWNER = "INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)";
    INSERT_PROJECT = "INSERT INTO projects (organization_id, id, name, retention_days, created_at) \
        VALUES ($1, $2, 'default', $3, $4)";
    INSERT_VERIFY_LINK = "INSERT INTO mail_links (id, purpose, user_id, email, created_at, attempts, next_attempt_at) \
        VALUES ($1, 'verify_email', $2, $3, $4, 0, $4)";
    USER_BY_EMAIL = "SELECT id, email, name, password_hash, email_verified_at FROM users WHERE email = $1";
    USER_BY_ID = "SELECT id, email, name, password_hash, email_verified_at FROM users WHERE id = $1";
    SET_NAME = "UPDATE users SET name = $2 WHERE id = $1";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    REPLACE_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    END_OTHER_SESSIONS = "UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL";
    END_COMMAND_LINES = "UPDATE api_keys SET revoked_at = $2 WHERE personal_to = $1 AND revoked_at IS NULL";
    CANCEL_LINKS = "UPDATE mail_links SET used_at = $2, next_attempt_at = NULL \
        WHERE user_id = $1 AND purpose IN ('reset_password', 'change_email') AND used_at IS NULL";
}

#[derive(sqlx::FromRow)]
pub struct UserRow {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub password_hash: Option<String>,
    pub email_verified_at: Option<Micros>,
}

pub struct NewAccount<'a> {
    pub email: &'a Email,
    pub name: &'a Name,
    pub organization: &'a Name,
    /// Absent: signs in by another provider, which has confirmed the address.
    pub password_hash: Option<&'a str>,
    pub retention_days: u16,
}

/// Makes user, organization, project, ownership and, if it has to be, the mail that confirms the address; tells user and organization.
pub async fn sign_up(db: &Db, new: &NewAccount<'_>) -> Result<(Uuid, Uuid), AccountError> {
    try_sign_up(db, new).await.map_err(failed_to("sign up"))?.ok_or(AccountError::EmailTaken)
}

async fn try_sign_up(db: &Db, new: &NewAccount<'_>) -> Result<Option<(Uuid, Uuid)>, sqlx::Error> {
    let (user_id, organization_id, now) = (Uuid::now_v7(), Uuid::now_v7(), now_us());
    let base = new.organization.slug();
    let verified_at = new.password_hash.is_none().then_some(now);
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        let user = sqlx::query(INSERT_USER)
            .bind(user_id).bind(new.email.as_str()).bind(new.name.as_str()).bind(new.password_hash).bind(verified_at)
            .bind(now)
            .execute(&mut *transaction).await?;
        if user.rows_affected() == 0 {
            return Ok(None);
        }
        let mut slug = base.clone();
        while sqlx::query(INSERT_ORGANIZATION)
            .bind(organization_id).bind(new.organization.as_str()).bind(&slug).bind(now)
            .execute(&mut *transaction).await?.rows_affected() == 0
        {
            slug = format!("{base}-{:06x}", rand::random::<u32>() & 0xff_ffff);
        }
        sqlx::query(INSERT_OWNER).bind(organization_id).bind(user_id).bind(now).execute(&mut *transaction).await?;
        sqlx::query(INSERT_PROJECT)
            .bind(organization_id).bind(Uuid::now_v7()).bind(i64::from(new.retention_days)).bind(now)
            .execute(&mut *transaction).await?;
        if verified_at.is_none() {
            sqlx::query(INSERT_VERIFY_LINK)
                .bind(Uuid::now_v7()).bind(user_id).bind(new.email.as_str()).bind(now)
                .execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Some((user_id, organization_id)))
    })
}

pub async fn by_email(db: &Db, email: &Email) -> Result<Option<UserRow>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(USER_BY_EMAIL).bind(email.as_str()).fetch_optional(pool).await)
        .map_err(failed_to("look up a user"))
}

pub async fn by_id(db: &Db, user_id: Uuid) -> Result<Option<UserRow>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(USER_BY_ID).bind(user_id).fetch_optional(pool).await)
        .map_err(failed_to("look up a user"))
}

pub async fn set_name(db: &Db, user_id: Uuid, name: &Name) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(SET_NAME)
        .bind(user_id).bind(name.as_str()).execute(pool).await.map(|_| ()))
    .map_err(failed_to("change a name"))
}

/// Sets the password, ends every session but `kept` and all command lines, and cancels links to reset it or to change the address.
pub async fn set_password(db: &Db, user_id: Uuid, hash: &str, kept: Uuid) -> Result<(), AccountError> {
    let set = async {
        let now = now_us();
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(SET_PASSWORD).bind(user_id).bind(hash).execute(&mut *transaction).await?;
            sqlx::query(END_OTHER_SESSIONS)
                .bind(user_id).bind(kept).bind(now).execute(&mut *transaction).await?;
            sqlx::query(END_COMMAND_LINES).bind(user_id).bind(now).execute(&mut *transaction).await?;
            sqlx::query(CANCEL_LINKS).bind(user_id).bind(now).execute(&mut *transaction).await?;
            tell!(transaction, user_id, Notice::PasswordChanged)?;
            transaction.commit().await
        })
    };
    set.await.map_err(failed_to("change a password"))
}

/// Stores the same password hashed anew, unless it was changed meanwhile.
pub async fn replace_hash(db: &Db, user_id: Uuid, old: &str, new: &str) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(REPLACE_HASH)
        .bind(user_id).bind(old).bind(new).execute(pool).await.map(|_| ()))
    .map_err(failed_to("renew a password hash"))
}
