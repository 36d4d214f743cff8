//! Signing a command line in through the browser, by the device authorization grant of RFC 8628.
//!
//! The program gets two codes, shows the short one, and asks again and again with the long one. A person who is signed in, however
//! they sign in, looks at what asks and from where, and says yes or no. Yes makes an API key of that person's: it may what their
//! role may, at most, ends after ninety days, and ends at once when they leave the organization or get another role.

use super::api_key_store::{self, Ended, NewRow, words_of};
use super::device_login_store::{self as store, Approval, Asking, Decision, Login};
use super::mail_links::hash_of;
use super::{AccountError, Accounts, device_codes, id, organization_store, project_store};
use crate::audit::{Actor, Auditor, Target};
use crate::auth::api_key::{NewKey, Parsed};
use crate::auth::extractors::Person;
use crate::auth::{Member, Viewer, scopes_of};
use crate::client::Client;
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, SECOND_US, now_us, rfc3339};
use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::List;
use api_types::accounts::{
    CommandLine, DeviceAnswer, DeviceCodes, DeviceRequest, DeviceToken, DeviceTokenRequest, IngestLimits,
    KeyScope, Organization, RevokeRequest, Role, TypedCode, WaitingDevice,
};
use serde::Serialize;
use serde_json::{Value, json};

const LIFETIME_S: i64 = 600;
const INTERVAL_S: i64 = 5;
const KEY_US: i64 = 90 * DAY_US;
/// Clients wait for the interval by their own clock.
const SLACK_US: i64 = SECOND_US / 2;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/auth/device").post(on_main(begin)))
        .service(web::resource("/api/v1/auth/device/token").post(on_main(token)))
        .service(web::resource("/api/v1/auth/device/look-up").post(on_main(look_up)))
        .service(web::resource("/api/v1/auth/device/confirm").post(on_main(confirm)))
        .service(web::resource("/api/v1/auth/device/revoke").post(on_main(revoke)))
        .service(web::resource("/api/v1/me/command-lines").get(on_main(list)))
        .service(web::resource("/api/v1/me/command-lines/{id}").delete(on_main(end)));
}

/// Forms, as the RFC has them, or JSON.
type Body<T> = web::Either<web::Form<T>, web::Json<T>>;

/// Gives a program its codes.
///
/// # Errors
/// 400 `invalid_scope` in the RFC's form, 429 `too_many_attempts`.
async fn begin(
    accounts: web::Data<Accounts>,
    client: Client,
    body: Body<DeviceRequest>,
) -> Result<Told<DeviceCodes>, ApiError> {
    let request = body.into_inner();
    let Some(scopes) = asked_scopes(&request.scope) else {
        return Ok(refused("invalid_scope", "The scopes are query, ingest and admin."));
    };
    accounts.limits.device_logins.take(&client.address).await.map_err(AccountError::from)?;
    let (device_code, user_code) = (device_codes::device_code(), device_codes::user_code());
    let name: String = request.client_name.chars().filter(|c| !c.is_control()).take(60).collect();
    let asking = Asking {
        device_hash: &hash_of(&device_code),
        user_code: &user_code,
        scopes: &words_of(&scopes),
        client: name.trim(),
        address: &client.address,
        expires_at: now_us() + LIFETIME_S * SECOND_US,
        interval_s: INTERVAL_S,
    };
    store::begin(&accounts.db, &asking).await?;
    let page = format!("{}/device", accounts.settings.public_url());
    let user_code = device_codes::shown(&user_code);
    Ok(Told::Given(DeviceCodes {
        verification_uri_complete: format!("{page}?code={user_code}"),
        verification_uri: page,
        device_code,
        user_code,
        expires_in: LIFETIME_S.unsigned_abs(),
        interval: INTERVAL_S.unsigned_abs(),
    }))
}

/// Tells a program what has become of its login; hands the key out, once.
///
/// # Errors
/// 400 in the RFC's form: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`,
/// `unsupported_grant_type`.
async fn token(
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: Body<DeviceTokenRequest>,
) -> Result<Told<DeviceToken>, ApiError> {
    let request = body.into_inner();
    if request.grant_type != GRANT {
        return Ok(refused("unsupported_grant_type", "Only the grant by device is given here."));
    }
    let Some(login) = store::by_device(&accounts.db, &hash_of(&request.device_code)).await? else {
        return Ok(refused("invalid_grant", "There is no such login. Begin again."));
    };
    if login.expires_at <= now_us() {
        store::take(&accounts.db, &login).await?;
        return Ok(refused("expired_token", "Nobody has confirmed this login in time. Begin again."));
    }
    match login.decision() {
        Decision::Pending => wait(&accounts, &login).await,
        Decision::Denied => {
            store::take(&accounts.db, &login).await?;
            Ok(refused("access_denied", "The login was refused in the browser."))
        }
        Decision::Approved(approval) => hand_out(&accounts, &auditor, &login, &approval).await,
    }
}

/// Makes the key of a confirmed login. Its text is nowhere but in this answer.
async fn hand_out(
    accounts: &Accounts,
    auditor: &Auditor,
    login: &Login,
    approval: &Approval,
) -> Result<Told<DeviceToken>, ApiError> {
    if !store::take(&accounts.db, login).await? {
        return Ok(refused("invalid_grant", "This login was finished already."));
    }
    let Approval { organization_id, user_id, project_id } = *approval;
    let scope = TenantScope::authenticated(organization_id);
    // Since they said yes they may have left, or lost their role.
    let member = organization_store::of_member(&accounts.db, organization_id, user_id).await?;
    let role = match &member {
        Some(member) => {
            let roles = accounts.auth.project_roles(&scope, user_id, member.role()).await?;
            roles.in_project(member.role(), project_id)
        }
        None => None,
    };
    let scopes = role.map(|role| allowed(&login.scopes, role)).unwrap_or_default();
    let Some(member) = member.filter(|_| !scopes.is_empty()) else {
        return Ok(refused("access_denied", "Your role allows nothing of what was asked for."));
    };
    let project = project_store::get(&accounts.db, &scope, project_id).await?;
    let key = NewKey::generate(&scopes);
    // It shows what its person sees.
    let row_rule = member.row_rule.clone().map(RowRule::stored);
    let name = if login.client.is_empty() { "a command line" } else { login.client.as_str() };
    let row = NewRow {
        project_id,
        name: &format!("cordwood on {name}"),
        scopes: &scopes,
        created_by: Some(user_id),
        expires_at: Some(now_us() + KEY_US),
        allowed_networks: "",
        rows_per_day: None,
        row_rule: row_rule.as_ref(),
        ingest_limits: IngestLimits::default(),
        personal_to: Some(user_id),
        key: &key,
    };
    let made = api_key_store::insert(&accounts.db, &scope, &row).await?;
    let detail = json!({"scopes": made.scopes, "prefix": made.prefix, "by": "login by device"});
    let target = Target::of(&made.id, &made.name);
    auditor.record_as(scope, Actor::Person(user_id), "api_key.created", target, detail).await;
    Ok(Told::Given(DeviceToken {
        access_token: key.text,
        token_type: "Bearer".into(),
        expires_in: (KEY_US / SECOND_US).unsigned_abs(),
        scope: words_of(&scopes).replace(',', " "),
        organization: Organization::from(member).name,
        project: project.name,
    }))
}

async fn wait(accounts: &Accounts, login: &Login) -> Result<Told<DeviceToken>, ApiError> {
    let is_early =
        login.polled_at.is_some_and(|polled| now_us() < polled + login.interval_s * SECOND_US - SLACK_US);
    let interval_s = if is_early { (login.interval_s + 5).min(60) } else { login.interval_s };
    store::polled(&accounts.db, login, interval_s).await?;
    Ok(match is_early {
        true => refused("slow_down", "Wait five seconds longer between two questions."),
        false => refused("authorization_pending", "Nobody has confirmed this login yet."),
    })
}

/// What a code that a person has typed belongs to.
///
/// # Errors
/// 404 for a code that does not wait for an answer, 429 after many of them.
async fn look_up(
    person: Person,
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
    body: web::Json<TypedCode>,
) -> Result<web::Json<WaitingDevice>, ApiError> {
    let found = accounts.waiting(person, &body.user_code).await?;
    Ok(web::Json(WaitingDevice {
        client_name: found.client,
        address: found.address,
        created_at: rfc3339(found.created_at),
        expires_at: rfc3339(found.expires_at),
        scopes: allowed(&found.scopes, member.role()),
    }))
}

/// The person's answer.
///
/// # Errors
/// 404 for a code that does not wait for an answer, or a project of somebody else; 429 after many wrong codes.
async fn confirm(
    person: Person,
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<DeviceAnswer>,
) -> Result<NoContent, ApiError> {
    let answer = body.into_inner();
    let project_id = if answer.approve {
        let asked = answer.project_id.as_deref().map_or(Ok(member.default_project()), id)?;
        member.in_project(asked)?;
        project_store::get(&accounts.db, member.scope(), asked).await?;
        Some(asked)
    } else {
        None
    };
    let found = accounts.waiting(person, &answer.user_code).await?;
    let code = device_codes::typed(&answer.user_code);
    if !store::decide(&accounts.db, member.scope(), person.user_id, &code, project_id).await? {
        return Err(AccountError::NotFound.into());
    }
    let action = if answer.approve { "device_login.confirmed" } else { "device_login.refused" };
    let detail = json!({"asked_from": found.address});
    auditor.record(action, Target::of("", found.client), detail).await;
    Ok(NoContent)
}

/// Ends a key that the caller shows: logging out of a command line. As RFC 7009 has it, an unknown one is no error.
async fn revoke(
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: Body<RevokeRequest>,
) -> Result<web::Json<Value>, ApiError> {
    let Some(shown) = Parsed::parse(&body.into_inner().token) else {
        return Ok(web::Json(json!({})));
    };
    if let Some(ended) = api_key_store::end_personal(&accounts.db, &shown).await? {
        ended_by(&accounts, &auditor, ended, "logging out").await;
    }
    Ok(web::Json(json!({})))
}

/// The caller's command lines, in all their organizations.
async fn list(
    person: Person,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<CommandLine>>, ApiError> {
    Ok(web::Json(api_key_store::list_personal(&accounts.db, person.user_id).await?.into()))
}

/// Ends one of the caller's command lines: at once here, within five seconds on every node.
///
/// # Errors
/// 404 when it is not one of theirs.
async fn end(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let ended = api_key_store::end_one_personal(&accounts.db, person.user_id, id(&path)?).await?;
    ended_by(&accounts, &auditor, ended, "its person").await;
    Ok(NoContent)
}

async fn ended_by(accounts: &Accounts, auditor: &Auditor, ended: Ended, by: &str) {
    accounts.auth.forget_key(&ended.lookup).await;
    let scope = TenantScope::authenticated(ended.organization_id);
    let target = Target::of(ended.id, &ended.name);
    let actor = Actor::Person(ended.personal_to);
    auditor.record_as(scope, actor, "api_key.revoked", target, json!({"by": by})).await;
}

impl Accounts {
    /// The login that a typed code belongs to. Wrong codes are counted by person.
    async fn waiting(&self, person: Person, typed: &str) -> Result<store::Waiting, AccountError> {
        let who = person.user_id.to_string();
        self.limits.device_codes.take(&who).await?;
        let found = store::waiting(&self.db, &device_codes::typed(typed)).await?;
        let found = found.ok_or(AccountError::NotFound)?;
        self.limits.device_codes.give_back(&who).await;
        Ok(found)
    }
}

/// Nothing asked for is everything; none for a scope that there is not.
fn asked_scopes(text: &str) -> Option<Vec<KeyScope>> {
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let known = [("ingest", KeyScope::Ingest), ("query", KeyScope::Query), ("admin", KeyScope::Admin)];
    let is_known = |word: &&str| known.iter().any(|(name, _)| name == word);
    let asked = known.iter().filter(|(name, _)| words.is_empty() || words.contains(name));
    words.iter().all(is_known).then(|| asked.map(|(_, scope)| *scope).collect())
}

/// Those of the scopes that somebody with this role may use.
fn allowed(asked: &str, role: Role) -> Vec<KeyScope> {
    let needed = |scope: &KeyScope| match scope {
        KeyScope::Query => Role::Viewer,
        KeyScope::Ingest => Role::Editor,
        KeyScope::Admin => Role::Admin,
    };
    scopes_of(asked).into_iter().filter(|scope| role >= needed(scope)).collect()
}

/// What a program is told: what it asked for, or why not, in the form of RFC 6749 that clients of the grant read.
enum Told<T> {
    Given(T),
    Refused { error: &'static str, description: &'static str },
}

fn refused<T>(error: &'static str, description: &'static str) -> Told<T> {
    Told::Refused { error, description }
}

impl<T: Serialize> Responder for Told<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match self {
            Self::Given(given) => HttpResponse::Ok().json(given),
            Self::Refused { error, description } => {
                HttpResponse::BadRequest().json(json!({"error": error, "error_description": description}))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_what_was_asked_for_and_what_the_role_may() {
        use KeyScope::{Admin, Ingest, Query};
        let scopes = |asked: &str, role| allowed(&words_of(&asked_scopes(asked).unwrap()), role);
        assert_eq!(scopes("", Role::Viewer), [Query]);
        assert_eq!(scopes("", Role::Editor), [Ingest, Query]);
        assert_eq!(scopes("", Role::Owner), [Ingest, Query, Admin]);
        assert_eq!(scopes("query", Role::Owner), [Query]);
        assert!(scopes("admin", Role::Viewer).is_empty());
        assert_eq!(asked_scopes("everything"), None);
    }
}
