//! SQL of logins by device. A row is looked for by the hash of the program's code, or by the code that a person typed.

use super::{AccountError, failed_to};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{HOUR_US, Micros, now_us};
use uuid::Uuid;

crate::statements! {
    REMOVE_OLD = "DELETE FROM device_logins WHERE expires_at < $1";
    INSERT = "INSERT INTO device_logins (id, device_hash, user_code, scopes, client, address, created_at, expires_at, interval_s, state) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending')";
    BY_DEVICE = "SELECT id, scopes, client, state, expires_at, polled_at, interval_s, organization_id, user_id, project_id \
        FROM device_logins WHERE device_hash = $1";
    WAITING = "SELECT scopes, client, address, created_at, expires_at FROM device_logins \
        WHERE user_code = $1 AND state = 'pending' AND expires_at > $2";
    DECIDE = "UPDATE device_logins SET state = $2, organization_id = $3, user_id = $4, project_id = $5 \
        WHERE user_code = $1 AND state = 'pending' AND expires_at > $6";
    POLLED = "UPDATE device_logins SET polled_at = $2, interval_s = $3 WHERE id = $1";
    TAKE = "DELETE FROM device_logins WHERE id = $1";
}

/// A program that asks.
pub struct Asking<'a> {
    pub device_hash: &'a [u8],
    pub user_code: &'a str,
    pub scopes: &'a str,
    pub client: &'a str,
    pub address: &'a str,
    pub expires_at: Micros,
    pub interval_s: i64,
}

/// What the program is told about its own login.
#[derive(sqlx::FromRow)]
pub struct Login {
    pub id: Uuid,
    pub scopes: String,
    pub client: String,
    state: String,
    pub expires_at: Micros,
    pub polled_at: Option<Micros>,
    pub interval_s: i64,
    organization_id: Option<Uuid>,
    user_id: Option<Uuid>,
    project_id: Option<Uuid>,
}

/// What has become of a login.
pub enum Decision {
    Pending,
    Denied,
    Approved(Approval),
}

/// Whose the key is to be.
pub struct Approval {
    pub organization_id: Uuid,
    pub user_id: Uuid,
    pub project_id: Uuid,
}

impl Login {
    pub fn decision(&self) -> Decision {
        match (self.state.as_str(), self.organization_id, self.user_id, self.project_id) {
            ("pending", ..) => Decision::Pending,
            ("approved", Some(organization_id), Some(user_id), Some(project_id)) => {
                Decision::Approved(Approval { organization_id, user_id, project_id })
            }
            _ => Decision::Denied,
        }
    }
}

/// What the person is shown.
#[derive(sqlx::FromRow)]
pub struct Waiting {
    pub scopes: String,
    pub client: String,
    pub address: String,
    pub created_at: Micros,
    pub expires_at: Micros,
}

/// Notes that a program asks; forgets those that have been too old for an hour.
pub async fn begin(db: &Db, asking: &Asking<'_>) -> Result<(), AccountError> {
    let begun = async {
        let now = now_us();
        on!(db.write(), pool => {
            sqlx::query(REMOVE_OLD).bind(now - HOUR_US).execute(pool).await?;
            sqlx::query(INSERT)
                .bind(Uuid::now_v7()).bind(asking.device_hash).bind(asking.user_code).bind(asking.scopes)
                .bind(asking.client).bind(asking.address).bind(now).bind(asking.expires_at).bind(asking.interval_s)
                .execute(pool).await.map(|_| ())
        })
    };
    begun.await.map_err(failed_to("begin a login by device"))
}

pub async fn by_device(db: &Db, device_hash: &[u8]) -> Result<Option<Login>, AccountError> {
    on!(db.write(), pool => sqlx::query_as(BY_DEVICE).bind(device_hash).fetch_optional(pool).await)
        .map_err(failed_to("look up a login by device"))
}

pub async fn waiting(db: &Db, user_code: &str) -> Result<Option<Waiting>, AccountError> {
    on!(db.read(), pool => sqlx::query_as(WAITING).bind(user_code).bind(now_us()).fetch_optional(pool).await)
        .map_err(failed_to("look up a login by device"))
}

/// The person's answer: a project for yes. Says whether there was a login that waited for it.
pub async fn decide(
    db: &Db,
    scope: &TenantScope,
    user_id: Uuid,
    user_code: &str,
    project_id: Option<Uuid>,
) -> Result<bool, AccountError> {
    let state = if project_id.is_some() { "approved" } else { "denied" };
    on!(db.write(), pool => sqlx::query(DECIDE)
        .bind(user_code).bind(state).bind(scope.organization_id()).bind(user_id).bind(project_id).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed_to("answer a login by device"))
}

pub async fn polled(db: &Db, login: &Login, interval_s: i64) -> Result<(), AccountError> {
    on!(db.write(), pool => sqlx::query(POLLED)
        .bind(login.id).bind(now_us()).bind(interval_s).execute(pool).await.map(|_| ()))
    .map_err(failed_to("note a poll of a login by device"))
}

/// Ends a login. Says whether it was still there: of two polls at once only one gets the key.
pub async fn take(db: &Db, login: &Login) -> Result<bool, AccountError> {
    on!(db.write(), pool => sqlx::query(TAKE)
        .bind(login.id).execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed_to("end a login by device"))
}
