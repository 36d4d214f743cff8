//! Asking for the archive, and taking it away.

use super::super::store::{self, NewJob};
use super::super::{Erasure, ErasureError};
use crate::audit::{Auditor, Target};
use crate::auth::{Member, Owner};
use crate::error::ApiError;
use crate::logstore::Rows;
use crate::time::{now_us, rfc3339};
use actix_web::body::{BoxBody, SizedStream};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::erasure::{EraseAnswer, JobKind, JobState};
use bytes::Bytes;
use serde_json::json;
use std::io;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

const PIECE_BYTES: usize = 256 << 10;

/// Begins to gather everything that the organization has into one file.
///
/// # Errors
/// 409 `deletion_pending` while another export is under way, 503.
pub async fn ask(
    owner: Member<Owner>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
) -> Result<(web::Json<EraseAnswer>, StatusCode), ApiError> {
    store::refuse_pending(&erasure.db, owner.scope(), JobKind::ExportOrganization, None).await?;
    let job = NewJob {
        kind: JobKind::ExportOrganization,
        project_id: None,
        requested_by: owner.user_id(),
        request: json!({}),
        starts_at: now_us(),
        rows_expected: erasure.count(owner.scope(), Rows::All).await?,
    };
    let job_id = store::insert(&erasure.db, owner.scope(), &job).await?;
    erasure.news.notify_one();
    auditor.record("organization.export_asked", Target::of(job_id, "export"), json!({})).await;
    let answer = EraseAnswer {
        job_id: Some(job_id.to_string()),
        rows_expected: job.rows_expected,
        starts_at: Some(rfc3339(job.starts_at)),
    };
    Ok((web::Json(answer), StatusCode::ACCEPTED))
}

/// The file, once the job is done and while it is kept.
///
/// # Errors
/// 404: there is no such file (any more), or another node has it.
pub async fn download(
    owner: Member<Owner>,
    erasure: web::Data<Erasure>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<Download, ApiError> {
    let job_id = Uuid::parse_str(&path).map_err(|_| ErasureError::NotFound)?;
    let job = store::get(&erasure.db, owner.scope(), job_id).await?;
    let is_done = api_types::erasure::Job::from(job.clone()).state == JobState::Done;
    if job.kind() != JobKind::ExportOrganization || !is_done {
        return Err(ErasureError::NotFound.into());
    }
    let opened = tokio::fs::File::open(super::path_of(&erasure.exports, job_id)).await;
    let file = opened.map_err(|_| ErasureError::NotFound)?;
    let bytes = file.metadata().await.map_err(ErasureError::Archive)?.len();
    auditor
        .record("organization.export_downloaded", Target::of(job_id, "export"), json!({"bytes": bytes}))
        .await;
    Ok(Download { file, bytes, name: format!("cordwood-export-{job_id}.tar") })
}

pub struct Download {
    file: tokio::fs::File,
    bytes: u64,
    name: String,
}

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let pieces = futures::stream::unfold(self.file, |mut file| async move {
            let mut piece = vec![0; PIECE_BYTES];
            match file.read(&mut piece).await {
                Ok(0) => None,
                Ok(read) => {
                    piece.truncate(read);
                    Some((Ok(Bytes::from(piece)), file))
                }
                Err(error) => Some((Err::<Bytes, io::Error>(error), file)),
            }
        });
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/x-tar"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name)))
            .body(SizedStream::new(self.bytes, Box::pin(pieces)))
    }
}
