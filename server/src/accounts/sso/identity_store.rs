//! SQL of linked identities. Nobody's tenant: they belong to a person.

use super::Identity;
use crate::accounts::notices::{Notice, tell};
use crate::accounts::{AccountError, failed_to};
use crate::db::Db;
use crate::on;
use crate::time::{Micros, now_us};
use uuid::Uuid;

crate::statements! {
    USER_OF = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
    LINK = "INSERT INTO identities (issuer, subject, id, user_id, provider, email, created_at, last_used_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (issuer, subject) DO UPDATE SET last_used_at = excluded.last_used_at \
        WHERE identities.user_id = excluded.user_id RETURNING id";
    LIST = "SELECT id, provider, email, created_at, last_used_at FROM identities WHERE user_id = $1 ORDER BY created_at, id";
    UNLINK = "DELETE FROM identities WHERE user_id = $1 AND id = $2 AND \
        (EXISTS (SELECT u.id FROM users u WHERE u.id = $1 AND u.password_hash IS NOT NULL) \
        OR EXISTS (SELECT o.id FROM identities o WHERE o.user_id = $1 AND o.id <> $2))";
}

#[derive(sqlx::FromRow)]
pub struct LinkedRow {
    pub id: Uuid,
    pub provider: String,
    pub email: String,
    pub created_at: Micros,
    pub last_used_at: Micros,
}

/// Whether an identity was linked just now, was so already, or belongs to somebody else's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    New(Uuid),
    Known,
    OfAnother,
}

pub async fn user_of(db: &Db, identity: &Identity) -> Result<Option<Uuid>, AccountError> {
    on!(db.read(), pool => sqlx::query_scalar(USER_OF)
        .bind(&identity.issuer).bind(&identity.subject).fetch_optional(pool).await)
    .map_err(failed_to("look up an identity"))
}

/// Links it, or notes that it was used. `told_as` is the provider's name in the mail that tells the person of a new link; nobody is
/// told of the one with which an account begins.
pub async fn link(
    db: &Db,
    provider: &str,
    identity: &Identity,
    user_id: Uuid,
    told_as: Option<&str>,
) -> Result<Link, AccountError> {
    let (new, now) = (Uuid::now_v7(), now_us());
    let email = identity.email.as_ref().map_or("", |email| email.as_str());
    let linked: Result<Option<Uuid>, sqlx::Error> = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let id: Option<Uuid> = sqlx::query_scalar(LINK)
                .bind(&identity.issuer).bind(&identity.subject).bind(new).bind(user_id).bind(provider).bind(email)
                .bind(now).fetch_optional(&mut *transaction).await?;
            if let Some(name) = told_as.filter(|_| id == Some(new)) {
                let (provider, account) = (name.to_owned(), email.to_owned());
                tell!(transaction, user_id, Notice::IdentityLinked { provider, account })?;
            }
            transaction.commit().await?;
            Ok(id)
        })
    }
    .await;
    Ok(match linked.map_err(failed_to("link an identity"))? {
        Some(id) if id == new => Link::New(id),
        Some(_) => Link::Known,
        None => Link::OfAnother,
    })
}

pub async fn list(db: &Db, user_id: Uuid) -> Result<Vec<LinkedRow>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(LIST).bind(user_id).fetch_all(pool).await)
        .map_err(failed_to("list identities"))
}

/// Takes a link away, unless it is the only way in.
pub async fn unlink(db: &Db, user_id: Uuid, id: Uuid) -> Result<(), AccountError> {
    let gone = on!(db.write(), pool => sqlx::query(UNLINK)
        .bind(user_id).bind(id).execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("unlink an identity"))?;
    if gone == 1 {
        return Ok(());
    }
    let is_there = list(db, user_id).await?.iter().any(|each| each.id == id);
    Err(if is_there { AccountError::LastWayIn } else { AccountError::NotFound })
}
