//! Where the caller is signed in, and ending that.

use super::session_store::{self, ListedSession};
use super::{Accounts, id};
use crate::audit::{Auditor, Target};
use crate::auth::extractors::Person;
use crate::error::ApiError;
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::rfc3339;
use actix_web::web;
use api_types::List;
use api_types::accounts::SignedInSession;
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/sessions").get(on_main(list)))
        .service(web::resource("/api/v1/sessions/{id}").delete(on_main(end)));
}

async fn list(
    person: Person,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<List<SignedInSession>>, ApiError> {
    let sessions = session_store::list_of_user(&accounts.db, person.user_id).await?;
    let view = |session: ListedSession| SignedInSession {
        id: session.id.to_string(),
        current: session.id == person.session_id,
        user_agent: session.user_agent,
        address: session.address,
        created_at: rfc3339(session.created_at),
        last_seen_at: rfc3339(session.rotated_at),
        expires_at: rfc3339(session.expires_at),
    };
    Ok(web::Json(sessions.into_iter().map(view).collect::<Vec<_>>().into()))
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// 404 when it is not one of theirs.
async fn end(
    person: Person,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let session_id = id(&path)?;
    session_store::end_of_user(&accounts.db, person.user_id, session_id).await?;
    auditor.record("session.ended", Target::of(session_id, ""), json!({"by": "another session"})).await;
    accounts.auth.forget_sessions();
    Ok(NoContent)
}
