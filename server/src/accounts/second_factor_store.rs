//! SQL of second factors and recovery codes. Using either is one conditional statement, so that it works once.

use super::notices::{Notice, tell};
use super::{AccountError, failed_to};
use crate::db::Db;
use crate::on;
use crate::time::{Micros, now_us};
use uuid::Uuid;

crate::statements! {
    GET = "SELECT seed, confirmed_at FROM second_factors WHERE user_id = $1";
    BEGIN = "INSERT INTO second_factors (user_id, seed, last_step, created_at) VALUES ($1, $2, 0, $3) \
        ON CONFLICT (user_id) DO UPDATE SET seed = excluded.seed, created_at = excluded.created_at \
        WHERE second_factors.confirmed_at IS NULL";
    USE_STEP = "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2";
    CONFIRM = "UPDATE second_factors SET confirmed_at = $3, last_step = $2 \
        WHERE user_id = $1 AND last_step < $2 AND confirmed_at IS NULL";
    USE_RECOVERY = "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL";
    RECOVERY_LEFT = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
    REMOVE_RECOVERY = "DELETE FROM recovery_codes WHERE user_id = $1";
    INSERT_RECOVERY = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
    REMOVE = "DELETE FROM second_factors WHERE user_id = $1 RETURNING confirmed_at";
    MEMBERSHIPS = "SELECT organization_id FROM memberships WHERE user_id = $1";
}

#[derive(sqlx::FromRow)]
pub struct FactorRow {
    pub seed: Vec<u8>,
    pub confirmed_at: Option<Micros>,
}

pub async fn get(db: &Db, user_id: Uuid) -> Result<Option<FactorRow>, AccountError> {
    // From the writer: a factor that was just switched on must count.
    on!(db.write(), pool => sqlx::query_as(GET).bind(user_id).fetch_optional(pool).await)
        .map_err(failed_to("look up a second factor"))
}

/// Remembers a seed until it is confirmed; one that counts already stays.
pub async fn begin(db: &Db, user_id: Uuid, seed: &[u8]) -> Result<(), AccountError> {
    let begun = on!(db.write(), pool => sqlx::query(BEGIN)
        .bind(user_id).bind(seed).bind(now_us()).execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("set up a second factor"))?;
    if begun == 1 { Ok(()) } else { Err(AccountError::SecondFactorOn) }
}

/// Whether the code of this step was not used before; it is now.
pub async fn use_step(db: &Db, user_id: Uuid, step: i64) -> Result<bool, AccountError> {
    on!(db.write(), pool => sqlx::query(USE_STEP)
        .bind(user_id).bind(step).execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed_to("use a code"))
}

/// Whether this was an unused recovery code; it is used now.
pub async fn use_recovery(db: &Db, user_id: Uuid, hash: &[u8]) -> Result<bool, AccountError> {
    on!(db.write(), pool => sqlx::query(USE_RECOVERY)
        .bind(user_id).bind(hash).bind(now_us()).execute(pool).await.map(|done| done.rows_affected() == 1))
    .map_err(failed_to("use a recovery code"))
}

pub async fn recovery_left(db: &Db, user_id: Uuid) -> Result<i64, AccountError> {
    on!(db.read(), pool => sqlx::query_scalar(RECOVERY_LEFT).bind(user_id).fetch_one(pool).await)
        .map_err(failed_to("count recovery codes"))
}

/// Switches the factor on with its first recovery codes. Tells whether the code was good and not used before.
pub async fn confirm(db: &Db, user_id: Uuid, step: i64, codes: &[Vec<u8>]) -> Result<bool, AccountError> {
    let confirmed: Result<bool, sqlx::Error> = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let confirmed = sqlx::query(CONFIRM)
                .bind(user_id).bind(step).bind(now_us()).execute(&mut *transaction).await?.rows_affected();
            if confirmed == 0 {
                return Ok(false);
            }
            sqlx::query(REMOVE_RECOVERY).bind(user_id).execute(&mut *transaction).await?;
            for code in codes {
                sqlx::query(INSERT_RECOVERY).bind(user_id).bind(code).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(true)
        })
    }
    .await;
    confirmed.map_err(failed_to("switch on a second factor"))
}

/// New recovery codes instead of the old ones.
pub async fn replace_recovery(db: &Db, user_id: Uuid, codes: &[Vec<u8>]) -> Result<(), AccountError> {
    let replaced = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(REMOVE_RECOVERY).bind(user_id).execute(&mut *transaction).await?;
            for code in codes {
                sqlx::query(INSERT_RECOVERY).bind(user_id).bind(code).execute(&mut *transaction).await?;
            }
            transaction.commit().await
        })
    };
    replaced.await.map_err(failed_to("make recovery codes"))
}

/// Switches it off, and tells its person by mail if it was on; says whether it was on or being set up.
pub async fn remove(db: &Db, user_id: Uuid) -> Result<bool, AccountError> {
    let removed: Result<bool, sqlx::Error> = async {
        on!(db.write(), pool => {
            let mut transaction = pool.begin().await?;
            let removed: Option<Option<Micros>> =
                sqlx::query_scalar(REMOVE).bind(user_id).fetch_optional(&mut *transaction).await?;
            sqlx::query(REMOVE_RECOVERY).bind(user_id).execute(&mut *transaction).await?;
            if removed.flatten().is_some() {
                tell!(transaction, user_id, Notice::SecondFactorRemoved)?;
            }
            transaction.commit().await?;
            Ok(removed.is_some())
        })
    }
    .await;
    removed.map_err(failed_to("switch off a second factor"))
}

/// The organizations of a user.
pub async fn memberships(db: &Db, user_id: Uuid) -> Result<Vec<Uuid>, AccountError> {
    on!(db.read(), pool => sqlx::query_scalar(MEMBERSHIPS).bind(user_id).fetch_all(pool).await)
        .map_err(failed_to("list memberships"))
}
