//! Sessions: one row is one signed-in browser, with the refresh token that works now and the one before it.
//!
//! A refresh token is the session's id and a secret of 256 bits; only the secret's SHA-256 is stored. Each use rotates it. The
//! one before answers with the same successor for ten seconds, since browsers ask twice; after that, and for every older one,
//! its use means that somebody else has a copy: the session ends.

use super::{AccountError, failed_to};
use crate::auth::access_token::AccessTokens;
use crate::client::Client;
use crate::db::Db;
use crate::on;
use crate::time::{DAY_US, Micros, SECOND_US, now_us};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub const LIFETIME_US: Micros = 30 * DAY_US;
const IDLE_US: Micros = 7 * DAY_US;
const GRACE_US: Micros = 10 * SECOND_US;
const MOST_PER_USER: i64 = 10;

crate::statements! {
    INSERT_SESSION = "INSERT INTO sessions \
        (id, user_id, organization_id, refresh_hash, rotated_at, created_at, expires_at, user_agent, address) \
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)";
    END_SURPLUS = "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND id NOT IN \
        (SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY rotated_at DESC, id DESC LIMIT $3)";
    SESSION = "SELECT user_id, organization_id, refresh_hash, previous_hash, rotated_at, expires_at FROM sessions \
        WHERE id = $1 AND revoked_at IS NULL";
    ROTATE = "UPDATE sessions SET refresh_hash = $3, previous_hash = $2, rotated_at = $4 \
        WHERE id = $1 AND refresh_hash = $2 AND revoked_at IS NULL";
    END = "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    END_OF_USER = "UPDATE sessions SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL";
    SWITCH = "UPDATE sessions SET organization_id = $2 WHERE id = $1";
    LIST_OF_USER = "SELECT id, rotated_at, created_at, expires_at, user_agent, address FROM sessions \
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND rotated_at > $3 ORDER BY rotated_at DESC, id DESC";
}

/// What the browser keeps in its refresh cookie.
#[derive(Clone)]
pub struct RefreshToken {
    pub session_id: Uuid,
    secret: [u8; 32],
}

impl RefreshToken {
    fn new(session_id: Uuid) -> Self {
        Self { session_id, secret: rand::random() }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 48] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (session_id, secret) = bytes.split_at(16);
        Some(Self { session_id: Uuid::from_slice(session_id).ok()?, secret: secret.try_into().ok()? })
    }

    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.session_id.as_bytes().as_slice(), &self.secret].concat())
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.secret).to_vec()
    }

    fn successor(&self, tokens: &AccessTokens) -> Self {
        Self { session_id: self.session_id, secret: tokens.successor(self.session_id, &self.secret) }
    }
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    user_id: Uuid,
    organization_id: Uuid,
    refresh_hash: Vec<u8>,
    previous_hash: Option<Vec<u8>>,
    rotated_at: Micros,
    expires_at: Micros,
}

#[derive(sqlx::FromRow)]
pub struct ListedSession {
    pub id: Uuid,
    pub rotated_at: Micros,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub user_agent: String,
    pub address: String,
}

/// A session that goes on, and the token for its next refresh.
pub struct Refreshed {
    pub user_id: Uuid,
    pub organization_id: Uuid,
    pub token: RefreshToken,
}

/// Opens a session; the user's oldest ones end when there are more than ten.
pub async fn open(
    db: &Db,
    user_id: Uuid,
    organization_id: Uuid,
    client: &Client,
) -> Result<RefreshToken, AccountError> {
    let (token, now) = (RefreshToken::new(Uuid::now_v7()), now_us());
    let opened = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(INSERT_SESSION)
                .bind(token.session_id).bind(user_id).bind(organization_id).bind(token.hash())
                .bind(now).bind(now + LIFETIME_US).bind(&client.user_agent).bind(&client.address)
                .execute(&mut *transaction).await?;
            sqlx::query(END_SURPLUS)
                .bind(user_id).bind(now).bind(MOST_PER_USER).execute(&mut *transaction).await?;
            transaction.commit().await
        })
    };
    opened.await.map_err(failed_to("open a session"))?;
    Ok(token)
}

/// Exchanges a refresh token for its successor.
pub async fn refresh(
    db: &Db,
    tokens: &AccessTokens,
    token: &RefreshToken,
) -> Result<Refreshed, AccountError> {
    let row = find(db, token.session_id).await?;
    let (now, successor) = (now_us(), token.successor(tokens));
    if now >= row.expires_at || now >= row.rotated_at + IDLE_US {
        return Err(AccountError::SessionOver);
    }
    let refreshed =
        Refreshed { user_id: row.user_id, organization_id: row.organization_id, token: successor.clone() };
    if equal(&row.refresh_hash, &token.hash()) {
        if rotate(db, token, &successor, now).await? {
            return Ok(refreshed);
        }
        // Somebody else rotated it just now: that was the same token, so the grace below applies.
        let row = find(db, token.session_id).await?;
        return if equal(&row.refresh_hash, &successor.hash()) {
            Ok(refreshed)
        } else {
            Err(AccountError::SessionOver)
        };
    }
    let is_previous = row.previous_hash.is_some_and(|previous| equal(&previous, &token.hash()));
    if is_previous && now < row.rotated_at + GRACE_US && equal(&row.refresh_hash, &successor.hash()) {
        return Ok(refreshed);
    }
    tracing::warn!(session.id = %token.session_id, "an old refresh token was used again: the session ends");
    end(db, token.session_id).await?;
    Err(AccountError::SessionOver)
}

async fn find(db: &Db, session_id: Uuid) -> Result<SessionRow, AccountError> {
    on!(db.write(), pool => sqlx::query_as(SESSION).bind(session_id).fetch_optional(pool).await)
        .map_err(failed_to("look up a session"))?
        .ok_or(AccountError::SessionOver)
}

async fn rotate(db: &Db, old: &RefreshToken, new: &RefreshToken, now: Micros) -> Result<bool, AccountError> {
    on!(db.write(), pool => sqlx::query(ROTATE)
        .bind(old.session_id).bind(old.hash()).bind(new.hash()).bind(now)
        .execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed_to("rotate a refresh token"))
}

fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Whether this token is the session's newest: what a logout by cookie must show.
pub async fn is_current(db: &Db, token: &RefreshToken) -> Result<bool, AccountError> {
    match find(db, token.session_id).await {
        Ok(row) => Ok(equal(&row.refresh_hash, &token.hash())),
        Err(AccountError::SessionOver) => Ok(false),
        Err(error) => Err(error),
    }
}

pub async fn end(db: &Db, session_id: Uuid) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(END)
        .bind(session_id).bind(now_us()).execute(pool).await.map(|_| ()))
    .map_err(failed_to("end a session"))
}

/// Ends a session of this user; another's looks absent.
pub async fn end_of_user(db: &Db, user_id: Uuid, session_id: Uuid) -> Result<(), AccountError> {
    let ended = on!(db.write(), pool => sqlx::query(END_OF_USER)
        .bind(user_id).bind(session_id).bind(now_us()).execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("end a session"))?;
    if ended == 1 { Ok(()) } else { Err(AccountError::NotFound) }
}

pub async fn switch(db: &Db, session_id: Uuid, organization_id: Uuid) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(SWITCH)
        .bind(session_id).bind(organization_id).execute(pool).await.map(|_| ()))
    .map_err(failed_to("switch the organization"))
}

pub async fn list_of_user(db: &Db, user_id: Uuid) -> Result<Vec<ListedSession>, AccountError> {
    let now = now_us();
    on!(db.read(), pool => sqlx::query_as(LIST_OF_USER)
        .bind(user_id).bind(now).bind(now - IDLE_US).fetch_all(pool).await)
    .map_err(failed_to("list sessions"))
}
