//! Asking for a pseudonym in the place of somebody.

use super::store::NewJob;
use super::subject::Subject;
use super::{Erasure, pseudonymise};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member};
use crate::error::ApiError;
use crate::time::{now_us, rfc3339};
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::erasure::{JobKind, PseudonymiseAnswer, PseudonymiseRequest};
use data_encoding::HEXLOWER;
use serde_json::json;

/// Replaces a text by a pseudonym in all stored logs, after a time in which it can be cancelled; or only counts the events.
///
/// # Errors
/// 404 for another's project, 422 `invalid`, 503.
pub async fn ask(
    admin: Member<Admin>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    body: web::Json<PseudonymiseRequest>,
) -> Result<(web::Json<PseudonymiseAnswer>, StatusCode), ApiError> {
    let reason = super::http::reason(&body.reason, body.preview)?;
    let pseudonym = body.pseudonym.clone().unwrap_or_else(random);
    let subject = Subject::parse(&body.subject, &pseudonym)?;
    let project_id = match body.project_id.as_deref() {
        Some(asked) => Some(erasure.project(&admin, Some(asked)).await?),
        None => None,
    };
    let rows_expected = pseudonymise::count(&erasure, admin.scope(), project_id, &subject).await?;
    if body.preview {
        let answer = PseudonymiseAnswer { job_id: None, rows_expected, starts_at: None, pseudonym: None };
        return Ok((web::Json(answer), StatusCode::OK));
    }
    let job = NewJob {
        kind: JobKind::Pseudonymise,
        project_id,
        requested_by: admin.user_id(),
        request: json!({"subject": body.subject.trim(), "pseudonym": pseudonym, "reason": reason}),
        starts_at: now_us() + erasure.delay_us,
        rows_expected,
    };
    let job_id = erasure.note(&admin, &job).await?;
    // Not the subject: this log is kept.
    let detail = json!({"pseudonym": pseudonym, "reason": reason});
    auditor.record("pseudonymising.asked", Target::of(job_id, "logs"), detail).await;
    let answer = PseudonymiseAnswer {
        job_id: Some(job_id.to_string()),
        rows_expected,
        starts_at: Some(rfc3339(job.starts_at)),
        pseudonym: Some(pseudonym),
    };
    Ok((web::Json(answer), StatusCode::ACCEPTED))
}

fn random() -> String {
    let bytes: [u8; 6] = rand::random();
    format!("subject-{}", HEXLOWER.encode(&bytes))
}
