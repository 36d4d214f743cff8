//! `GET, PUT /api/v1/projects/{id}/masking` and its preview.

use super::rules::{Rules, Tally, checked, shown};
use super::{Masking, store};
use crate::audit::{Auditor, Target};
use crate::auth::extractors::Level;
use crate::auth::{Admin, Auth, AuthError, Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use actix_web::web;
use api_types::masking as wire;
use event::{Content, Intake, decode};
use serde_json::json;
use uuid::Uuid;

const PREVIEW_BYTES: usize = 64 << 10;
/// Previews must not tell what a value's hash in the project is.
const PREVIEW_SECRET: &[u8] = b"preview";

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/projects/{id}/masking").get(on_main(get)).put(on_main(put)))
        .service(web::resource("/api/v1/projects/{id}/masking/preview").post(on_main(preview)));
}

async fn own_project<R: Level>(auth: &Auth, member: &Member<R>, id: &str) -> Result<Uuid, AuthError> {
    let id = Uuid::parse_str(id).map_err(|_| AuthError::NotFound)?;
    member.in_project(id)?;
    if auth.project_exists(member.scope(), id).await? { Ok(id) } else { Err(AuthError::NotFound) }
}

/// The rules of a project.
///
/// # Errors
/// 404.
async fn get(
    member: Member<Viewer>,
    path: web::Path<String>,
    auth: web::Data<Auth>,
    masking: web::Data<Masking>,
) -> Result<web::Json<wire::Masking>, ApiError> {
    let project_id = own_project(&auth, &member, &path).await?;
    let rules = store::get(&masking.db, member.scope(), project_id).await?;
    Ok(web::Json(wire::Masking { rules: shown(&rules) }))
}

/// Replaces the rules of a project. They count for what arrives from then on; stored events stay as they are.
///
/// # Errors
/// 404, 422 `invalid` naming the rule.
async fn put(
    admin: Member<Admin>,
    path: web::Path<String>,
    auth: web::Data<Auth>,
    masking: web::Data<Masking>,
    auditor: Auditor,
    body: web::Json<wire::Masking>,
) -> Result<web::Json<wire::Masking>, ApiError> {
    let project_id = own_project(&auth, &admin, &path).await?;
    let rules = checked(&body.rules)?;
    if !store::put(&masking.db, admin.scope(), project_id, &rules).await? {
        return Err(AuthError::NotFound.into());
    }
    masking.forget(admin.org_id(), project_id);
    let detectors: Vec<&str> = rules.iter().map(|rule| rule.detector.name()).collect();
    auditor.record("masking.changed", Target::of(project_id, ""), json!({"detectors": detectors})).await;
    Ok(web::Json(wire::Masking { rules: shown(&rules) }))
}

/// What rules would make of some lines; nothing is saved. Hashes differ from the ones that the project stores.
///
/// # Errors
/// 404, 422 `invalid`.
async fn preview(
    member: Member<Viewer>,
    path: web::Path<String>,
    auth: web::Data<Auth>,
    body: web::Json<wire::MaskingPreviewRequest>,
) -> Result<web::Json<wire::MaskingPreview>, ApiError> {
    own_project(&auth, &member, &path).await?;
    if body.text.len() > PREVIEW_BYTES {
        return Err(InvalidFields::one("text", "too_long", "Give at most 64 KiB of sample lines.").into());
    }
    let rules = Rules::new(&checked(&body.rules)?, PREVIEW_SECRET)?;
    let mut tally = rules.tally();
    let lines: Vec<String> = body.text.lines().map(|line| masked(&rules, line, &mut tally)).collect();
    Ok(web::Json(wire::MaskingPreview { text: lines.join("\n"), matches: tally.counts().to_vec() }))
}

/// A JSON event as it would be stored, because its fields count as well; everything else as text.
fn masked(rules: &Rules, line: &str, tally: &mut Tally) -> String {
    let now_ns = crate::time::now_us() * 1000;
    if line.trim_start().starts_with('{')
        && let Some(Ok(Ok(raw))) = decode(line.as_bytes(), Content::Unlabelled).next()
        && let Ok(mut event) = Intake::new(now_ns, u32::from(u16::MAX)).normalise(raw)
    {
        rules.apply(&mut event, tally);
        return event.to_json();
    }
    rules.apply_to_text(line, tally).into_owned()
}
