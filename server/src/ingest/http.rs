//! `POST /api/v1/logs/ingest`, and receipts.

use super::arrival::{Arrival, beside};
use super::body::Encoding;
use super::health::health;
use super::intake::Gathered;
use super::{Ingest, IngestError, dead_letters, protocols};
use crate::auth::IngestKey;
use crate::error::{ApiError, Refused};
use crate::runtime::on_main;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::ingest::{EventsRejected, IngestAnswer, Receipt};
use event::{Content, decode};
use serde::Deserialize;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/ingest").post(ingest))
        .service(web::resource("/api/v1/ingest/receipts/{batch}").get(on_main(receipt)))
        .service(web::resource("/api/v1/ingest/health").get(on_main(health)));
    dead_letters::http::routes(app);
    protocols::routes(app);
}

/// What the address may say for events that do not say it themselves.
#[derive(Debug, Default, Deserialize)]
pub struct Defaults {
    #[serde(default)]
    source: String,
    #[serde(default)]
    host: String,
}

/// Takes events: a JSON object, an array, NDJSON, or lines of text. 202 when they are on durable storage.
///
/// Runs on the HTTP worker: it only computes, and waits for the write-ahead log.
///
/// # Errors
/// - 400 the body is broken as a whole, or every event of it is rejected.
/// - 413, 415 too large, or of an unknown type or encoding.
/// - 422 `idempotency_key_reused`.
/// - 429, 503 with `Retry-After`: too fast, or no room. Nothing of the body is kept.
pub async fn ingest(
    key: IngestKey,
    request: HttpRequest,
    defaults: web::Query<Defaults>,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> Result<HttpResponse, ApiError> {
    let outcome = take(&key, &request, defaults.into_inner(), payload, &ingest).await;
    if let Err(refused) = &outcome {
        ingest.note_refused(&key, refused.code());
    }
    outcome
}

async fn take(
    key: &IngestKey,
    request: &HttpRequest,
    defaults: Defaults,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<HttpResponse, ApiError> {
    let content = content_of(request.headers())?;
    let encoding = Encoding::of(request.headers()).map_err(IngestError::from)?;
    let arrival = Arrival::read(ingest, *key, request.headers(), payload, encoding).await?;
    let (arrival, gathered) = beside(arrival.body().len(), move || {
        let gathered = gather(&arrival, &defaults, content);
        (arrival, gathered)
    })
    .await;
    let gathered = gathered?;
    let mut answer = IngestAnswer {
        accepted: u64::from(gathered.accepted.rows.count()),
        rejected: gathered.rejected,
        errors: gathered.errors.clone(),
        batch: None,
    };
    answer.batch = arrival.keep(gathered).await?;
    Ok(respond(answer))
}

fn content_of(headers: &HeaderMap) -> Result<Content, IngestError> {
    let label = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    Content::from_mime(label).ok_or_else(|| IngestError::ContentType(label.chars().take(80).collect()))
}

fn gather(arrival: &Arrival, defaults: &Defaults, content: Content) -> Result<Gathered, IngestError> {
    if arrival.body().iter().all(u8::is_ascii_whitespace) {
        return Err(IngestError::Empty);
    }
    let mut intake = arrival.intake();
    intake.default_source = &defaults.source;
    intake.default_host = &defaults.host;
    let mut gathering = arrival.gathering(intake);
    for item in decode(arrival.body(), content) {
        gathering.take(item?)?;
    }
    Ok(gathering.finish())
}

/// 202, or 400 when there were events and none of them is good.
fn respond(answer: IngestAnswer) -> HttpResponse {
    if answer.accepted > 0 || answer.rejected == 0 {
        return HttpResponse::Accepted().json(answer);
    }
    let status = StatusCode::BAD_REQUEST;
    let rejected = EventsRejected {
        type_uri: "https://cordwood.dev/problems/all_events_rejected".into(),
        title: status.canonical_reason().unwrap_or_default().into(),
        status: status.as_u16(),
        detail: "Every event of the body was rejected; `errors` says why.".into(),
        code: "all_events_rejected".into(),
        request_id: crate::telemetry::current_request_id(),
        answer,
    };
    HttpResponse::build(status).content_type("application/problem+json").json(rejected)
}

/// Tells what became of a batch: queued, stored, or dead-lettered in part.
///
/// # Errors
/// - 404 this node gave no such batch to the caller's organization.
pub async fn receipt(
    key: IngestKey,
    batch: web::Path<String>,
    ingest: web::Data<Ingest>,
) -> Result<web::Json<Receipt>, ApiError> {
    match ingest.receipt(&key.scope, &batch).await? {
        Some(receipt) => Ok(web::Json(receipt)),
        None => Err(Refused::not_found().into()),
    }
}
