//! API keys: with them programs send logs, search, or manage the organization.

use super::api_key_store::{self, NewRow};
use super::checked::{Name, refuse_any};
use super::{AccountError, Accounts, id, project_store};
use crate::auth::api_key::NewKey;
use crate::auth::{Editor, Member};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::{Micros, now_us};
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::accounts::{ApiKey, CreatedApiKey, KeyScope, NewApiKeyRequest, Role};
use api_types::problem::FieldProblem;
use jiff::Timestamp;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/api-keys").get(on_main(list)).post(on_main(create)))
        .service(web::resource("/api/v1/api-keys/{id}").delete(on_main(revoke)));
}

async fn list(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<ApiKey>>, ApiError> {
    Ok(web::Json(api_key_store::list(&accounts.db, editor.scope()).await?.into()))
}

/// Makes a key. The answer is the only place where its secret ever stands.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, 404 for an unknown project, 422 `invalid`.
async fn create(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    body: web::Json<NewApiKeyRequest>,
) -> Result<(web::Json<CreatedApiKey>, StatusCode), ApiError> {
    let (name, scopes) = (Name::parse("name", &body.name), checked_scopes(&body.scopes));
    let expires_at = body.expires_at.as_deref().map(future).transpose();
    refuse_any(&[name.as_ref().err(), scopes.as_ref().err(), expires_at.as_ref().err()])?;
    let (name, scopes) = (name.map_err(InvalidFields::from)?, scopes.map_err(InvalidFields::from)?);
    refuse_unless_admin(&editor, &scopes)?;
    let project_id = id(&body.project_id)?;
    project_store::get(&accounts.db, editor.scope(), project_id).await?;
    let key = NewKey::generate(&scopes);
    let row = NewRow {
        project_id,
        name: name.as_str(),
        scopes: &scopes,
        created_by: editor.user_id(),
        expires_at: expires_at.map_err(InvalidFields::from)?,
        key: &key,
    };
    let shown = api_key_store::insert(&accounts.db, editor.scope(), &row).await?;
    Ok((web::Json(CreatedApiKey { key: shown, secret: key.text }), StatusCode::CREATED))
}

/// Revokes a key: at once here, within five seconds on every node.
///
/// # Errors
/// 403 for a key with the scope `admin` by who is none, 404.
async fn revoke(
    editor: Member<Editor>,
    accounts: web::Data<Accounts>,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let key_id = id(&path)?;
    let key = api_key_store::get(&accounts.db, editor.scope(), key_id).await?;
    refuse_unless_admin(&editor, &key.scopes())?;
    api_key_store::revoke(&accounts.db, editor.scope(), key_id).await?;
    accounts.auth.forget_key(&key.lookup).await;
    Ok(NoContent)
}

fn refuse_unless_admin(editor: &Member<Editor>, scopes: &[KeyScope]) -> Result<(), AccountError> {
    if scopes.contains(&KeyScope::Admin) && editor.role() < Role::Admin {
        return Err(AccountError::AdminsOnly);
    }
    Ok(())
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
