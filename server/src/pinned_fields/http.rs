//! `GET, PUT /api/v1/projects/{id}/pinned-fields`.

use super::store;
use crate::auth::{Auth, AuthError, Editor, Member, Viewer};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use actix_web::web;
use api_types::annotations::PinnedFields;
use uuid::Uuid;

const MOST: usize = 50;
const NAME_BYTES: usize = 256;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/projects/{id}/pinned-fields").get(on_main(get)).put(on_main(put)));
}

async fn own_project(auth: &Auth, scope: &TenantScope, id: &str) -> Result<Uuid, AuthError> {
    let id = Uuid::parse_str(id).map_err(|_| AuthError::NotFound)?;
    if auth.project_exists(scope, id).await? { Ok(id) } else { Err(AuthError::NotFound) }
}

/// # Errors
/// 404.
async fn get(
    member: Member<Viewer>,
    path: web::Path<String>,
    auth: web::Data<Auth>,
    db: web::Data<Db>,
) -> Result<web::Json<PinnedFields>, ApiError> {
    let project_id = own_project(&auth, member.scope(), &path).await?;
    let fields = store::get(&db, member.scope(), project_id).await?;
    Ok(web::Json(PinnedFields { fields }))
}

/// Replaces the pinned fields, in their order; a name that is given twice counts once.
///
/// # Errors
/// 404, 422 `invalid` for too many or too long names.
async fn put(
    editor: Member<Editor>,
    path: web::Path<String>,
    auth: web::Data<Auth>,
    db: web::Data<Db>,
    body: web::Json<PinnedFields>,
) -> Result<web::Json<PinnedFields>, ApiError> {
    let project_id = own_project(&auth, editor.scope(), &path).await?;
    let mut fields: Vec<String> = Vec::new();
    for field in &body.fields {
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    let is_wrong = |field: &String| field.is_empty() || field.len() > NAME_BYTES;
    if fields.len() > MOST || fields.iter().any(is_wrong) {
        let detail = "At most 50 names of 1 to 256 bytes.";
        return Err(InvalidFields::one("fields", "invalid", detail).into());
    }
    store::put(&db, editor.scope(), project_id, &fields).await?;
    Ok(web::Json(PinnedFields { fields }))
}
