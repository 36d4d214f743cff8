//! Elasticsearch: `_bulk`, single documents, and the handshakes that its clients make first.
//!
//! Also under `/elasticsearch`. The index is the source of events that name none, without a date at its end. A document's `_id` is
//! an attribute; documents are events and are never replaced, so `update` and `delete` are refused item by item.

mod bulk;
mod handshake;

use super::{Sender, Unreadable, arrive, known, noted, refusal};
use crate::error::{ApiError, Told};
use crate::ingest::Ingest;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bulk::{Action, Answered, Operation};
use event::{Item, RawEvent, Reject, RejectCode, Value};
use serde_json::json;
use std::borrow::Cow;
use std::time::Instant;
use uuid::Uuid;

/// Where documents go that name no index.
const NO_INDEX: &str = "logs";

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource(["/_bulk", "/elasticsearch/_bulk", "/{index}/_bulk", "/elasticsearch/{index}/_bulk"])
            .post(send_many)
            .put(send_many),
    )
    .service(web::resource(["/{index}/_doc", "/elasticsearch/{index}/_doc"]).post(send_one))
    .service(
        web::resource([
            "/{index}/_doc/{id}",
            "/elasticsearch/{index}/_doc/{id}",
            "/{index}/_create/{id}",
            "/elasticsearch/{index}/_create/{id}",
        ])
        .post(send_one)
        .put(send_one),
    );
    handshake::routes(app);
}

/// `_bulk`: 200 with a result for each item, whatever became of it.
///
/// # Errors
/// In Elasticsearch's form: 400 when the body cannot be told into items, 401, 403, 413, 429, 503.
pub async fn send_many(
    request: HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let key = known(&sender);
    match noted(&ingest, key, take_many(&request, sender, payload, &ingest).await) {
        Ok(body) => answer(&request, StatusCode::OK).body(body),
        Err(error) => refuse(&request, &error.told()),
    }
}

async fn take_many(
    request: &HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<String, ApiError> {
    let begin = Instant::now();
    let index = request.match_info().get("index").unwrap_or(NO_INDEX);
    let arrival = arrive(ingest, sender, request, payload).await?;
    let operations = bulk::operations(arrival.body(), index)?;
    let mut gathering = arrival.gathering(arrival.intake());
    let mut answered = Answered::new(request.query_string(), operations.len());
    for (position, operation) in operations.iter().enumerate() {
        let error = gathering.take(event_of(position, operation))?;
        answered.add(operation, error);
    }
    let (gathered, answered) = (gathering.finish(), answered.finish(begin));
    drop(operations);
    arrival.keep(gathered).await?;
    Ok(answered)
}

fn event_of<'a>(position: usize, operation: &Operation<'a>) -> Item<'a> {
    if matches!(operation.action, Action::Update | Action::Delete) {
        let detail =
            format!("logs are never changed: `{}` is not possible, use `create`", operation.action.name());
        let original = operation.document.unwrap_or_default().into();
        return Err(Reject { index: position, code: RejectCode::Unsupported, detail, original });
    }
    let mut raw: RawEvent<'a> = event::object(position, operation.document.unwrap_or_default())?;
    raw.default_source = operation.source();
    raw.original = Cow::default(); // does not say what the line before it says
    if let Some(id) = &operation.id
        && raw.fields.get("_id").is_none()
    {
        raw.fields.push("_id", Value::String(id.clone()));
    }
    Ok(raw)
}

/// One document: 201, or 400 when it is rejected.
///
/// # Errors
/// As `send_many`.
pub async fn send_one(
    request: HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let key = known(&sender);
    match noted(&ingest, key, take_one(&request, sender, payload, &ingest).await) {
        Ok(body) => answer(&request, StatusCode::CREATED).body(body),
        Err(error) => refuse(&request, &error.told()),
    }
}

async fn take_one(
    request: &HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<String, ApiError> {
    let path = request.match_info();
    let index = path.get("index").unwrap_or(NO_INDEX);
    let arrival = arrive(ingest, sender, request, payload).await?;
    let operation = Operation {
        action: Action::Index,
        index: index.into(),
        id: path.get("id").map(Into::into),
        document: Some(arrival.body()),
    };
    let mut gathering = arrival.gathering(arrival.intake());
    let error = gathering.take(event_of(0, &operation))?;
    let id = path.get("id").map_or_else(new_id, str::to_owned);
    let gathered = gathering.finish();
    arrival.keep(gathered).await?;
    match error {
        Some(error) => Err(Unreadable(error.detail).into()),
        None => Ok(json!({
            "_index": index, "_id": id, "_version": 1, "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0}, "_seq_no": 0, "_primary_term": 1,
        })
        .to_string()),
    }
}

fn new_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// An answer with what clients look for on every one.
fn answer(request: &HttpRequest, status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    mark(request, &mut answer);
    answer
}

fn mark(request: &HttpRequest, answer: &mut HttpResponseBuilder) {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let content_type = match accept.split_once("compatible-with=") {
        Some((_, version)) if accept.contains("application/vnd.elasticsearch+") => {
            let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
            format!("application/vnd.elasticsearch+json;compatible-with={digits}")
        }
        _ => "application/json".to_owned(),
    };
    answer.insert_header(("X-Elastic-Product", "Elasticsearch")).insert_header((CONTENT_TYPE, content_type));
}

/// An error as Elasticsearch tells it.
fn refuse(request: &HttpRequest, told: &Told) -> HttpResponse {
    let kind = match told.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "security_exception",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "es_rejected_execution_exception",
        StatusCode::PAYLOAD_TOO_LARGE => "content_too_long_exception",
        status if status.is_client_error() => "illegal_argument_exception",
        _ => "exception",
    };
    let cause = json!({"type": kind, "reason": told.detail});
    let body = json!({
        "error": {"root_cause": [cause], "type": kind, "reason": told.detail},
        "status": told.status.as_u16(),
    });
    let mut answer = refusal(told, told.status);
    mark(request, &mut answer);
    if told.status == StatusCode::UNAUTHORIZED {
        for scheme in ["ApiKey", "Basic realm=\"security\", charset=\"UTF-8\"", "Bearer realm=\"security\""] {
            answer.append_header(("WWW-Authenticate", HeaderValue::from_static(scheme)));
        }
    }
    answer.body(body.to_string())
}

#[cfg(test)]
mod tests;
