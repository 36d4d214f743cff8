//! API keys: with them programs send logs, search, or manage the organization.

use super::api_key_store::{self, KeyRow, NewRow};
use super::checked::{Name, refuse_any, row_rule};
use super::{AccountError, Accounts, id, key_limits, project_store};
use crate::audit::{Auditor, Target};
use crate::auth::api_key::NewKey;
use crate::auth::{Editor, Member};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use crate::time::{HOUR_US, Micros, now_us};
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::{
    ApiKey, ApiKeyChange, CreatedApiKey, KeyScope, NewApiKeyRequest, Role, RotateRequest,
};
use api_types::problem::FieldProblem;
use jiff::Timestamp;
use query_lang::network::Network;
use serde_json::json;
use uuid::Uuid;

/// Thirty days.
const MOST_OVERLAP_HOURS: u32 = 720;
const MOST_NETWORKS: usize = 50;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/api-keys").get(on_main(list)).post(on_main(create)))
        .service(web::resource("/api/v1/api-keys/{id}").patch(on_main(change)).delete(on_main(revoke)))
        .service(web::resource("/api/v1/api-keys/{id}/rotate").post(on_main(rotate)));
}

async fn list(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<ApiKey>>, ApiError> {
    let mut keys = api_key_store::list(&accounts.db, editor.scope()).await?;
    keys.retain(|key| id(&key.project_id).is_ok_and(|project_id| editor.in_project(project_id).is_ok()));
    Ok(web::Json(keys.into()))
}

/// Makes a key. The answer is the only place where its secret ever stands.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, and for one that reads by who has a row rule; 404 for an unknown
/// project, 422 `invalid`.
async fn create(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<NewApiKeyRequest>,
) -> Result<(web::Json<CreatedApiKey>, StatusCode), ApiError> {
    let (name, scopes) = (Name::parse("name", &body.name), checked_scopes(&body.scopes));
    let expires_at = body.expires_at.as_deref().map(future).transpose();
    let (networks, rows_per_day) = (networks(&body.allowed_networks), rows_per_day(body.rows_per_day));
    let row_rule = row_rule(body.row_rule.as_deref());
    let limits = key_limits::checked(body.ingest_limits(), scopes.as_deref().unwrap_or_default());
    let wrong_limits = limits.as_ref().err().into_iter().flatten().map(Some);
    let wrong = [
        name.as_ref().err(),
        scopes.as_ref().err(),
        expires_at.as_ref().err(),
        networks.as_ref().err(),
        rows_per_day.as_ref().err(),
        row_rule.as_ref().err(),
    ];
    refuse_any(&wrong.into_iter().chain(wrong_limits).collect::<Vec<_>>())?;
    let (name, scopes) = (name.map_err(InvalidFields::from)?, scopes.map_err(InvalidFields::from)?);
    let row_rule = row_rule.map_err(InvalidFields::from)?;
    refuse_unless_admin(&editor, &scopes)?;
    refuse_reading_more(&editor, &scopes)?;
    if row_rule.is_some() && (scopes.contains(&KeyScope::Admin) || !scopes.contains(&KeyScope::Query)) {
        let detail = "A row rule narrows a key with the scope `query`; `ingest` reads nothing, and `admin` everything.";
        return Err(InvalidFields::one("row_rule", "needs_query", detail).into());
    }
    let project_id = id(&body.project_id)?;
    editor.in_project(project_id)?;
    project_store::get(&accounts.db, editor.scope(), project_id).await?;
    let key = NewKey::generate(&scopes);
    let row = NewRow {
        project_id,
        name: name.as_str(),
        scopes: &scopes,
        created_by: editor.user_id(),
        expires_at: expires_at.map_err(InvalidFields::from)?,
        allowed_networks: &networks.map_err(InvalidFields::from)?,
        rows_per_day: rows_per_day.map_err(InvalidFields::from)?,
        row_rule: row_rule.as_ref(),
        ingest_limits: limits.map_err(InvalidFields)?,
        personal_to: None,
        key: &key,
    };
    let shown = api_key_store::insert(&accounts.db, editor.scope(), &row).await?;
    let target = Target::of(&shown.id, &shown.name);
    let detail = json!({"scopes": shown.scopes, "prefix": shown.prefix, "row_rule": shown.row_rule,
        "ingest_limits": key_limits::set(shown.ingest_limits)});
    auditor.record("api_key.created", target, detail).await;
    Ok((web::Json(CreatedApiKey { key: shown, secret: key.text }), StatusCode::CREATED))
}

/// Gives a key other limits of sending: they count at once here, within five seconds on every node.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, 404, 422 `invalid`.
async fn change(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<ApiKeyChange>,
) -> Result<web::Json<ApiKey>, ApiError> {
    let key_id = id(&path)?;
    let key = api_key_store::get(&accounts.db, editor.scope(), key_id).await?;
    editor.in_project(key.project_id)?;
    refuse_unless_admin(&editor, &key.scopes())?;
    let limits = key_limits::checked(body.of(key.ingest_limits()), &key.scopes()).map_err(InvalidFields)?;
    api_key_store::limit(&accounts.db, editor.scope(), key_id, limits).await?;
    accounts.auth.forget_key(&key.lookup).await;
    let detail = json!({"ingest_limits": key_limits::set(limits)});
    auditor.record("api_key.changed", Target::of(key_id, &key.name), detail).await;
    Ok(web::Json(api_key_store::get(&accounts.db, editor.scope(), key_id).await?.into()))
}

/// Revokes a key: at once here, within five seconds on every node.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, 404.
async fn revoke(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let key_id = id(&path)?;
    let key = api_key_store::get(&accounts.db, editor.scope(), key_id).await?;
    editor.in_project(key.project_id)?;
    refuse_unless_admin(&editor, &key.scopes())?;
    api_key_store::revoke(&accounts.db, editor.scope(), key_id).await?;
    accounts.auth.forget_key(&key.lookup).await;
    auditor.record("api_key.revoked", Target::of(key_id, &key.name), json!({})).await;
    Ok(NoContent)
}

/// Makes a key that may do the same; the old one works on for the overlap, so that programs can be changed one by one.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, 404, 409 `key_rotated`, 422 `invalid`.
async fn rotate(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<RotateRequest>,
) -> Result<(web::Json<CreatedApiKey>, StatusCode), ApiError> {
    if body.overlap_hours > MOST_OVERLAP_HOURS {
        return Err(InvalidFields::one("overlap_hours", "out_of_range", "Give 0 to 720 hours.").into());
    }
    let key_id = id(&path)?;
    let old = api_key_store::get(&accounts.db, editor.scope(), key_id).await?;
    editor.in_project(old.project_id)?;
    let scopes = old.scopes();
    refuse_unless_admin(&editor, &scopes)?;
    refuse_reading_more(&editor, &scopes)?;
    let (scope, by) = (editor.scope(), editor.user_id());
    let made = follow(&accounts.db, scope, (key_id, &old), by, body.overlap_hours).await?;
    if body.overlap_hours == 0 {
        api_key_store::revoke(&accounts.db, editor.scope(), key_id).await?;
    }
    accounts.auth.forget_key(&old.lookup).await;
    let detail = json!({"new_key": made.key.id, "overlap_hours": body.overlap_hours});
    auditor.record("api_key.rotated", Target::of(key_id, &made.key.name), detail).await;
    Ok((web::Json(made), StatusCode::CREATED))
}

/// Makes a key that may do what `old` may, which ends after the overlap.
async fn follow(
    db: &Db,
    scope: &TenantScope,
    (key_id, old): (Uuid, &KeyRow),
    by: Option<Uuid>,
    overlap_hours: u32,
) -> Result<CreatedApiKey, AccountError> {
    let scopes = old.scopes();
    let (key, row_rule) = (NewKey::generate(&scopes), old.row_rule());
    let row = NewRow {
        project_id: old.project_id,
        name: &old.name,
        scopes: &scopes,
        created_by: by,
        expires_at: old.expires_at,
        allowed_networks: &old.allowed_networks,
        rows_per_day: old.rows_per_day,
        row_rule: row_rule.as_ref(),
        ingest_limits: old.ingest_limits(),
        personal_to: old.personal_to,
        key: &key,
    };
    let ends_at = now_us() + i64::from(overlap_hours) * HOUR_US;
    let shown = api_key_store::replace(db, scope, key_id, &row, ends_at).await?;
    Ok(CreatedApiKey { key: shown, secret: key.text })
}

/// Gives every key that works a follower, for the operator; the old ones work on for the overlap.
pub(crate) async fn rotate_all(
    db: &Db,
    scope: &TenantScope,
    overlap_hours: u32,
) -> Result<Vec<CreatedApiKey>, AccountError> {
    let mut made = Vec::new();
    for listed in api_key_store::list(db, scope).await? {
        let key_id = id(&listed.id)?;
        let old = api_key_store::get(db, scope, key_id).await?;
        if listed.replaced_by.is_none() && old.expires_at.is_none_or(|end| end > now_us()) {
            made.push(follow(db, scope, (key_id, &old), None, overlap_hours).await?);
        }
    }
    Ok(made)
}

fn refuse_unless_admin(editor: &Member<Editor>, scopes: &[KeyScope]) -> Result<(), AccountError> {
    if scopes.contains(&KeyScope::Admin) && editor.role() < Role::Admin {
        return Err(AccountError::AdminsOnly);
    }
    Ok(())
}

/// Who sees only a part could see the rest with a key of their own.
fn refuse_reading_more(editor: &Member<Editor>, scopes: &[KeyScope]) -> Result<(), AccountError> {
    let only_sends = scopes.iter().all(|scope| *scope == KeyScope::Ingest);
    if editor.sight().is_narrowed() && !only_sends { Err(AccountError::NarrowedKey) } else { Ok(()) }
}

/// Each scope once, in a fixed order.
fn checked_scopes(asked: &[KeyScope]) -> Result<Vec<KeyScope>, FieldProblem> {
    let all = [KeyScope::Ingest, KeyScope::Query, KeyScope::Admin];
    let scopes: Vec<KeyScope> = all.into_iter().filter(|scope| asked.contains(scope)).collect();
    if scopes.is_empty() {
        return Err(FieldProblem {
            field: "scopes".into(),
            code: "scope_missing".into(),
            detail: "Give at least one of ingest, query, admin.".into(),
        });
    }
    Ok(scopes)
}

/// Networks as they are stored: each in its shortest form, with commas between.
fn networks(asked: &[String]) -> Result<String, FieldProblem> {
    let problem = |code: &str, detail: String| FieldProblem {
        field: "allowed_networks".into(),
        code: code.into(),
        detail,
    };
    if asked.len() > MOST_NETWORKS {
        return Err(problem("too_many", format!("Give at most {MOST_NETWORKS} networks.")));
    }
    let parse = |text: &String| {
        Network::parse(text.trim()).map(|network| network.to_string()).ok_or_else(|| {
            problem(
                "not_a_network",
                format!("`{text}` is no network: write 10.0.0.0/8, 2001:db8::/32 or an address."),
            )
        })
    };
    Ok(asked.iter().map(parse).collect::<Result<Vec<_>, _>>()?.join(","))
}

fn rows_per_day(asked: Option<u64>) -> Result<Option<i64>, FieldProblem> {
    match asked.map(i64::try_from) {
        None => Ok(None),
        Some(Ok(rows)) if rows > 0 => Ok(Some(rows)),
        Some(_) => Err(FieldProblem {
            field: "rows_per_day".into(),
            code: "out_of_range".into(),
            detail: "Give a number of rows above 0, or leave it out for no limit.".into(),
        }),
    }
}

fn future(text: &str) -> Result<Micros, FieldProblem> {
    match text.parse::<Timestamp>() {
        Ok(time) if time.as_microsecond() > now_us() => Ok(time.as_microsecond()),
        _ => Err(FieldProblem {
            field: "expires_at".into(),
            code: "not_a_future_time".into(),
            detail: "Give a time in the future such as 2030-01-31T00:00:00Z, or leave it out.".into(),
        }),
    }
}
