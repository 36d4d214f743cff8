//! `POST /api/v1/logs/ingest`, and receipts.

use super::body::{self, Encoding};
use super::health::health;
use super::idempotency::{Begin, Claim, Seen};
use super::intake::{Gathered, Gathering, owner_of};
use super::{Ingest, IngestError, dead_letters};
use crate::auth::IngestKey;
use crate::error::{ApiError, Refused};
use crate::masking::Rules;
use crate::runtime::on_main;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::ingest::{IngestAnswer, Receipt};
use event::{Content, Intake, decode};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Memory that a body without a length takes until it is read.
const UNKNOWN_LENGTH_BYTES: usize = 1 << 20;
const KEY_BYTES: usize = 64;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/ingest").post(ingest))
        .service(web::resource("/api/v1/ingest/receipts/{batch}").get(on_main(receipt)))
        .service(web::resource("/api/v1/ingest/health").get(on_main(health)));
    dead_letters::http::routes(app);
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
    let outcome = take(&key, &request, &defaults, payload, &ingest).await;
    if let Err(refused) = &outcome {
        ingest.note_refused(&key, refused.code());
    }
    outcome
}

async fn take(
    key: &IngestKey,
    request: &HttpRequest,
    defaults: &Defaults,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<HttpResponse, ApiError> {
    let rules = ingest.admit(key).await?;
    let content = content_of(request.headers())?;
    let (body, _memory) = read_body(ingest, request.headers(), payload).await?;
    let organization_id = key.scope.organization_id();
    ingest.0.rates.take_bytes(organization_id, body.len()).map_err(IngestError::from)?;
    let now_ns = jiff::Timestamp::now().as_nanosecond() as i64;
    let claim = match claim(ingest, key, request.headers(), &body, now_ns).await? {
        Some(Begin::New(claim)) => Some(claim),
        Some(Begin::Repeat(earlier)) => {
            return answer_repeat(ingest, key, &rules, defaults, content, &body, earlier);
        }
        Some(Begin::OtherBody) => return Err(IngestError::OtherBody.into()),
        None => None,
    };
    let gathered = gather(key, &rules, defaults, content, &body, now_ns)?;
    ingest.0.rates.take_events(organization_id, gathered.events()).map_err(IngestError::from)?;
    if gathered.accepted.rows.is_empty() && gathered.rejected > 0 {
        ingest.note_refused(key, "all_events_rejected");
    }
    store(ingest, gathered, claim, body.len()).await
}

fn content_of(headers: &HeaderMap) -> Result<Content, IngestError> {
    let label = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    Content::from_mime(label).ok_or_else(|| IngestError::ContentType(label.chars().take(80).collect()))
}

/// Reads and decodes the body, and takes the memory that it needs.
async fn read_body(
    ingest: &Ingest,
    headers: &HeaderMap,
    payload: web::Payload,
) -> Result<(Vec<u8>, super::limits::Share), IngestError> {
    let limits = ingest.0.body_limits;
    let encoding = Encoding::of(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.encoded_bytes) {
        return Err(body::BodyError::TooLarge { limit: limits.encoded_bytes }.into());
    }
    let mut memory = ingest.0.memory.take(length.unwrap_or(UNKNOWN_LENGTH_BYTES))?;
    let body = body::read(payload, encoding, &limits).await?;
    // Once more as rows.
    memory.grow(body.len() * 2)?;
    Ok((body, memory))
}

async fn claim(
    ingest: &Ingest,
    key: &IngestKey,
    headers: &HeaderMap,
    body: &[u8],
    now_ns: i64,
) -> Result<Option<Begin>, IngestError> {
    let Some(name) = headers.get("idempotency-key") else { return Ok(None) };
    let name = name.to_str().map_err(|_| IngestError::BadKey)?;
    let is_visible = name.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    if name.is_empty() || name.len() > KEY_BYTES || !is_visible {
        return Err(IngestError::BadKey);
    }
    let short = |parts: [&[u8]; 2]| {
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
        std::array::from_fn(|i| hash[i])
    };
    let seen = Seen {
        organization_id: key.scope.organization_id(),
        // Two projects may number their batches alike.
        key: short([key.project_id.as_bytes(), name.as_bytes()]),
        body: short([b"", body]),
        received_at_ms: now_ns / 1_000_000,
        lsn: 0,
    };
    Ok(Some(ingest.0.keys.begin(seen).await))
}

fn gather(
    key: &IngestKey,
    rules: &Rules,
    defaults: &Defaults,
    content: Content,
    body: &[u8],
    now_ns: i64,
) -> Result<Gathered, IngestError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(IngestError::Empty);
    }
    let mut intake = Intake::new(now_ns, u32::from(key.retention_days));
    intake.default_source = &defaults.source;
    intake.default_host = &defaults.host;
    let mut gathering = Gathering::new(owner_of(key, now_ns), rules, intake, body.len());
    for item in decode(body, content) {
        gathering.take(item?)?;
    }
    Ok(gathering.finish())
}

async fn store(
    ingest: &Ingest,
    gathered: Gathered,
    claim: Option<Claim>,
    body_bytes: usize,
) -> Result<HttpResponse, ApiError> {
    let (owner, accepted) = (gathered.accepted.owner, u64::from(gathered.accepted.rows.count()));
    let mut answer =
        IngestAnswer { accepted, rejected: gathered.rejected, errors: gathered.errors, batch: None };
    if accepted > 0 || !gathered.accepted.rejected.is_empty() {
        let lsn = ingest.accept(gathered.accepted, claim).await?;
        answer.batch = Some(ingest.receipt_name(owner.organization_id, lsn));
    }
    metrics::counter!("cordwood_ingest_accepted_events_total").increment(accepted);
    metrics::counter!("cordwood_ingest_bytes_total").increment(body_bytes as u64);
    Ok(respond(&answer))
}

/// The answer to a request that was acknowledged before: the same as then.
fn answer_repeat(
    ingest: &Ingest,
    key: &IngestKey,
    rules: &Rules,
    defaults: &Defaults,
    content: Content,
    body: &[u8],
    earlier: Seen,
) -> Result<HttpResponse, ApiError> {
    let gathered = gather(key, rules, defaults, content, body, earlier.received_at_ms * 1_000_000)?;
    metrics::counter!("cordwood_ingest_repeats_total").increment(1);
    Ok(respond(&IngestAnswer {
        accepted: u64::from(gathered.accepted.rows.count()),
        rejected: gathered.rejected,
        errors: gathered.errors,
        batch: Some(ingest.receipt_name(earlier.organization_id, earlier.lsn)),
    }))
}

/// 202, or 400 when there were events and none of them is good: a problem that tells the counts as well.
fn respond(answer: &IngestAnswer) -> HttpResponse {
    if answer.accepted > 0 || answer.rejected == 0 {
        return HttpResponse::Accepted().json(answer);
    }
    let mut body = json!({
        "type": "https://cordwood.dev/problems/all_events_rejected",
        "title": "Bad Request",
        "status": StatusCode::BAD_REQUEST.as_u16(),
        "detail": "Every event of the body was rejected; `errors` says why.",
        "code": "all_events_rejected",
        "request_id": crate::telemetry::current_request_id(),
    });
    if let (Some(body), Ok(serde_json::Value::Object(answer))) =
        (body.as_object_mut(), serde_json::to_value(answer))
    {
        body.extend(answer);
    }
    HttpResponse::BadRequest().content_type("application/problem+json").body(body.to_string())
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
