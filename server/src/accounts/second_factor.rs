//! The second factor: a code from an authenticator app besides the password, and recovery codes for the day the phone is lost.
//!
//! No code works twice. Guesses are limited per account, whatever the address. The secret is not in the database: it is made of
//! a random seed there and the installation's key, so that a copy of the database alone lets nobody in; with another
//! `token_secret` every second factor has to be set up anew.

use super::second_factor_store as store;
use super::{AccountError, Accounts, id, member_store, user_store};
use crate::audit::{Auditor, Target};
use crate::auth::extractors::Person;
use crate::auth::totp::TotpSecret;
use crate::auth::{Admin, Member};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::{SECOND_US, now_us};
use actix_web::web;
use api_types::accounts::{
    CodeRequest, PasswordAndCode, PasswordRequest, RecoveryCodes, SecondFactor, SecondFactorSetup,
};
use data_encoding::BASE32_NOPAD;
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

const RECOVERY_CODES: usize = 10;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/second-factor").get(on_main(get)).post(on_main(begin)))
        .service(web::resource("/api/v1/second-factor/confirm").post(on_main(confirm)))
        .service(web::resource("/api/v1/second-factor/recovery-codes").post(on_main(renew_codes)))
        .service(web::resource("/api/v1/second-factor/disable").post(on_main(disable)))
        .service(web::resource("/api/v1/members/{user_id}/second-factor").delete(on_main(reset)));
}

async fn get(person: Person, accounts: web::Data<Accounts>) -> Result<web::Json<SecondFactor>, ApiError> {
    let enabled = accounts.has_second_factor(person.user_id).await?;
    let left = if enabled { store::recovery_left(&accounts.db, person.user_id).await? } else { 0 };
    Ok(web::Json(SecondFactor { enabled, recovery_codes_left: left.unsigned_abs() }))
}

/// Begins to set it up: it counts once a first code was confirmed.
///
/// # Errors
/// 409 `second_factor_on`, 422 for a wrong password, 429 `too_many_attempts`.
async fn begin(
    person: Person,
    accounts: web::Data<Accounts>,
    body: web::Json<PasswordRequest>,
) -> Result<web::Json<SecondFactorSetup>, ApiError> {
    let user = accounts.check_own_password(person, "password", body.into_inner().password).await?;
    let seed: [u8; 32] = rand::random();
    store::begin(&accounts.db, person.user_id, &seed).await?;
    let secret = accounts.secret_of(person.user_id, &seed);
    let address = secret.address(&user.email);
    Ok(web::Json(SecondFactorSetup { secret: secret.text(), qr: qr(&address), otpauth_url: address }))
}

/// Rows of the square, dark modules as `1`.
fn qr(address: &str) -> Vec<String> {
    let code =
        QrCode::encode_text(address, QrCodeEcc::Medium).expect("an address is shorter than a square holds");
    let side = code.size();
    let row = |y| (0..side).map(|x| if code.get_module(x, y) { '1' } else { '0' }).collect();
    (0..side).map(row).collect()
}

/// Switches it on with a first code. The recovery codes are shown this once.
///
/// # Errors
/// 409 `second_factor_off` when none is being set up, 422 for a wrong code, 429 `too_many_attempts`.
async fn confirm(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<CodeRequest>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    let pending = store::get(&accounts.db, person.user_id).await?.filter(|row| row.confirmed_at.is_none());
    let pending = pending.ok_or(AccountError::SecondFactorOff)?;
    let guesses = &accounts.limits.codes;
    guesses.take(&person.user_id.to_string()).await.map_err(AccountError::from)?;
    let step = accounts.secret_of(person.user_id, &pending.seed).matching_step(body.code.trim(), now_s());
    let (codes, hashes) = recovery_codes();
    let confirmed = match step {
        Some(step) => store::confirm(&accounts.db, person.user_id, step, &hashes).await?,
        None => false,
    };
    if !confirmed {
        let wrong = "This is not the code that the app shows now. Is the clock of the device right?";
        return Err(InvalidFields::one("code", "wrong_code", wrong).into());
    }
    guesses.forget(&person.user_id.to_string()).await;
    auditor.record("second_factor.enabled", Target::none(), json!({})).await;
    Ok(web::Json(RecoveryCodes { recovery_codes: codes }))
}

/// New recovery codes; the old ones stop working.
///
/// # Errors
/// 401 for a wrong code, 409 `second_factor_off`, 422 for a wrong password, 429 `too_many_attempts`.
async fn renew_codes(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<PasswordAndCode>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    accounts.check_both(person, body.into_inner()).await?;
    let (codes, hashes) = recovery_codes();
    store::replace_recovery(&accounts.db, person.user_id, &hashes).await?;
    auditor.record("second_factor.recovery_codes_made", Target::none(), json!({})).await;
    Ok(web::Json(RecoveryCodes { recovery_codes: codes }))
}

/// Switches it off.
///
/// # Errors
/// As for new recovery codes.
async fn disable(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<PasswordAndCode>,
) -> Result<NoContent, ApiError> {
    accounts.check_both(person, body.into_inner()).await?;
    store::remove(&accounts.db, person.user_id).await?;
    auditor.record("second_factor.disabled", Target::none(), json!({})).await;
    Ok(NoContent)
}

/// Switches off the one of a member who has lost it. Only of somebody who is in no other organization: there an admin of this
/// one has nothing to say, and the operator can help.
///
/// # Errors
/// 403 about an owner by who is none, 404, 409 `second_factor_off`, `member_elsewhere`.
async fn reset(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let user_id = id(&path)?;
    let members = member_store::list(&accounts.db, admin.scope()).await?;
    let member = members.into_iter().find(|each| each.user_id == user_id.to_string());
    let member = member.ok_or(AccountError::NotFound)?;
    if member.role > admin.role() {
        return Err(AccountError::OwnersOnly.into());
    }
    if store::memberships(&accounts.db, user_id).await?.len() > 1 {
        return Err(AccountError::MemberElsewhere.into());
    }
    if !store::remove(&accounts.db, user_id).await? {
        return Err(AccountError::SecondFactorOff.into());
    }
    auditor.record("second_factor.reset", Target::of(user_id, member.email), json!({})).await;
    Ok(NoContent)
}

/// Switches off the second factor of a user, for the operator: tells whether there was one, and where they are a member.
pub(crate) async fn remove(db: &Db, user_id: Uuid) -> Result<(bool, Vec<Uuid>), AccountError> {
    Ok((store::remove(db, user_id).await?, store::memberships(db, user_id).await?))
}

impl Accounts {
    pub(super) async fn has_second_factor(&self, user_id: Uuid) -> Result<bool, AccountError> {
        Ok(store::get(&self.db, user_id).await?.is_some_and(|row| row.confirmed_at.is_some()))
    }

    /// Lets somebody pass whose password was right: they have no second factor, or show a code of it.
    ///
    /// # Errors
    /// 401 `second_factor_required`, `second_factor_wrong`, 429 `too_many_attempts`.
    pub(super) async fn check_second_factor(
        &self,
        user_id: Uuid,
        code: Option<&str>,
    ) -> Result<(), AccountError> {
        let row = store::get(&self.db, user_id).await?.filter(|row| row.confirmed_at.is_some());
        let Some(row) = row else { return Ok(()) };
        let code = code.map(str::trim).filter(|code| !code.is_empty());
        let code = code.ok_or(AccountError::SecondFactorRequired)?;
        let guesses = &self.limits.codes;
        guesses.take(&user_id.to_string()).await?;
        let good = match self.secret_of(user_id, &row.seed).matching_step(code, now_s()) {
            Some(step) => store::use_step(&self.db, user_id, step).await?,
            None => store::use_recovery(&self.db, user_id, &recovery_hash(code)).await?,
        };
        if !good {
            return Err(AccountError::SecondFactorWrong);
        }
        guesses.forget(&user_id.to_string()).await;
        Ok(())
    }

    async fn check_both(&self, person: Person, body: PasswordAndCode) -> Result<(), ApiError> {
        self.check_own_password(person, "password", body.password).await?;
        if !self.has_second_factor(person.user_id).await? {
            return Err(AccountError::SecondFactorOff.into());
        }
        Ok(self.check_second_factor(person.user_id, Some(&body.code)).await?)
    }

    fn secret_of(&self, user_id: Uuid, seed: &[u8]) -> TotpSecret {
        self.auth.tokens.second_factor_secret(user_id, seed)
    }

    /// The signed-in person, who has just given their password again.
    ///
    /// # Errors
    /// 422 naming `field` for a wrong password, 429 `too_many_attempts`.
    pub(super) async fn check_own_password(
        &self,
        person: Person,
        field: &str,
        password: String,
    ) -> Result<user_store::UserRow, ApiError> {
        let user = user_store::by_id(&self.db, person.user_id).await?.ok_or(AccountError::SessionOver)?;
        let attempts = &self.limits.logins;
        let key = format!("change {}", person.user_id);
        attempts.take(&key).await.map_err(AccountError::from)?;
        let stored = user.password_hash.clone();
        if stored.is_none() {
            let none =
                "You have no password yet. Ask for one with “Forgot your password?” on the login page.";
            return Err(InvalidFields::one(field, "no_password", none).into());
        }
        if !self.auth.passwords.verify(password.into(), stored).await?.matches {
            let wrong = "This is not your current password.";
            return Err(InvalidFields::one(field, "wrong_password", wrong).into());
        }
        attempts.forget(&key).await;
        Ok(user)
    }
}

fn now_s() -> i64 {
    now_us() / SECOND_US
}

/// Codes as `ABCDE-FGHIJ`, and what is stored of them. Fifty random bits, and guesses are limited.
fn recovery_codes() -> (Vec<String>, Vec<Vec<u8>>) {
    let code = |_| {
        let random: [u8; 7] = rand::random();
        let text = BASE32_NOPAD.encode(&random);
        format!("{}-{}", &text[..5], &text[5..10])
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(code).collect();
    let hashes = codes.iter().map(|code| recovery_hash(code)).collect();
    (codes, hashes)
}

/// However it was typed: small letters, blanks and dashes do not count.
fn recovery_hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_uppercase().as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_differ_and_may_be_typed_carelessly() {
        let (codes, hashes) = recovery_codes();
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        assert!(codes.iter().all(|code| code.len() == 11 && code.is_char_boundary(5)));
        assert_eq!(recovery_hash(&codes[0].to_lowercase().replace('-', " ")), hashes[0]);
        assert_ne!(hashes[0], hashes[1]);
    }

    #[test]
    fn the_square_is_a_square() {
        let rows = qr("otpauth://totp/Cordwood:ann@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(rows.len() > 20 && rows.iter().all(|row| row.len() == rows.len()));
        assert!(rows[0].starts_with("1111111"));
    }
}
