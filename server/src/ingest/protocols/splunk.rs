//! Splunk's HTTP Event Collector: events as objects one after the other, raw lines, and its health.
//!
//! `source` of the envelope is the event's source, `sourcetype` when there is none; both `sourcetype` and `index` are attributes.
//! Answers are Splunk's, whose codes clients look at. When an event of a request is bad, the others are taken all the same, and the
//! answer is 400 with the place of the first bad one: clients do not send such a request again.

use super::{Sender, arrive, known, refusal};
use crate::auth::AuthError;
use crate::error::{ApiError, Told};
use crate::ingest::Ingest;
use crate::ingest::arrival::Arrival;
use crate::ingest::intake::Gathered;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use event::{Content, Item, Object, RawEvent, Reject, RejectCode, Value};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource(["/services/collector", "/services/collector/event", "/services/collector/event/1.0"])
            .post(send_events)
            .default_service(web::to(connection)),
    )
    .service(web::resource(["/services/collector/raw", "/services/collector/raw/1.0"]).post(send_lines))
    .service(web::resource("/services/collector/ack").post(acknowledgements))
    .service(
        web::resource(["/services/collector/health", "/services/collector/health/1.0"])
            .get(health)
            .head(health),
    );
}

/// What the address may say for all events of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Defaults {
    host: String,
    source: String,
    sourcetype: String,
    index: String,
}

/// What a collector may answer besides that all went well.
enum Refusal {
    NoData,
    /// The first bad event, and what is wrong with it.
    Event {
        code: u8,
        index: u64,
        detail: String,
    },
    Error {
        told: Told,
        by_token: bool,
    },
}

/// # Errors
/// In Splunk's form: 400 with code 5, 6, 12 or 13, 401, 403, 413, 429, 503.
pub async fn send_events(
    request: HttpRequest,
    sender: Sender,
    defaults: web::Query<Defaults>,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    answer(take(&request, sender, payload, &ingest, &defaults, gather_events).await)
}

/// # Errors
/// As `send_events`.
pub async fn send_lines(
    request: HttpRequest,
    sender: Sender,
    defaults: web::Query<Defaults>,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    answer(take(&request, sender, payload, &ingest, &defaults, gather_lines).await)
}

type Gatherer = fn(&Arrival, &Defaults) -> Result<(Gathered, Option<Refusal>), ApiError>;

async fn take(
    request: &HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: &Ingest,
    defaults: &Defaults,
    gather: Gatherer,
) -> Result<(), Refusal> {
    let by_token = shows_bad_token(&sender, request);
    let key = known(&sender);
    let refused = |error: ApiError| {
        key.inspect(|key| ingest.note_refused(key, error.code()));
        Refusal::Error { told: error.told(), by_token }
    };
    let arrival = arrive(ingest, sender, request, payload).await.map_err(refused)?;
    if arrival.body().iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::NoData);
    }
    let (gathered, bad) = gather(&arrival, defaults).map_err(refused)?;
    arrival.keep(gathered).await.map_err(|error| refused(error.into()))?;
    bad.map_or(Ok(()), Err)
}

/// Whether a token came in Splunk's own form, or as a password, and is not good.
fn shows_bad_token(sender: &Sender, request: &HttpRequest) -> bool {
    matches!(sender, Err(AuthError::Invalid | AuthError::ScopeTooSmall { .. })) && !is_bearer(request)
}

fn is_bearer(request: &HttpRequest) -> bool {
    let value =
        request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))
}

fn gather_events(arrival: &Arrival, defaults: &Defaults) -> Result<(Gathered, Option<Refusal>), ApiError> {
    let mut gathering = arrival.gathering(arrival.intake());
    let mut bad = None;
    for (index, item) in event::decode(arrival.body(), Content::Json).enumerate() {
        let (item, code) = match item {
            Ok(item) => unwrap(item, defaults),
            Err(broken) => {
                // What came before the break is whole.
                let index = index as u64;
                bad.get_or_insert(Refusal::Event { code: 6, index, detail: broken.to_string() });
                break;
            }
        };
        if let Some(error) = gathering.take(item)? {
            bad.get_or_insert(Refusal::Event { code, index: error.index, detail: error.detail });
        }
    }
    Ok((gathering.finish(), bad))
}

fn gather_lines(arrival: &Arrival, defaults: &Defaults) -> Result<(Gathered, Option<Refusal>), ApiError> {
    let mut gathering = arrival.gathering(arrival.intake());
    for item in event::decode(arrival.body(), Content::Text).flatten() {
        let item = item.map(|mut raw| {
            let mut envelope = Object::new();
            complete(&mut envelope, defaults);
            apply(&mut raw, envelope);
            raw
        });
        gathering.take(item)?;
    }
    Ok((gathering.finish(), None))
}

/// Opens an envelope. The code is what Splunk would answer if the event is bad.
fn unwrap<'a>(item: Item<'a>, defaults: &Defaults) -> (Item<'a>, u8) {
    let mut raw = match item {
        Ok(raw) => raw,
        Err(reject) => return (Err(reject), 6),
    };
    let mut envelope = std::mem::take(&mut raw.fields);
    let blank = |code, detail: &str, raw: RawEvent<'a>| {
        let (index, original) = (raw.index, raw.original);
        (Err(Reject { index, code: RejectCode::Unsupported, detail: detail.into(), original }), code)
    };
    match envelope.remove("event") {
        None | Some(Value::Null) => return blank(12, "the member `event` is missing", raw),
        Some(Value::String(text)) if text.is_empty() => return blank(13, "the member `event` is empty", raw),
        Some(Value::String(text)) => (raw.message, raw.is_line) = (Some(text), true),
        Some(Value::Object(members)) => open_members(&mut raw, members),
        Some(other) => raw.message = Some(Cow::Owned(other.to_json())),
    }
    complete(&mut envelope, defaults);
    apply(&mut raw, envelope);
    raw.original = Cow::default(); // in an envelope that nobody else opens
    (Ok(raw), 6)
}

/// Docker's log driver puts the line into `line`, as text or, where the line is JSON, as an object.
fn open_members<'a>(raw: &mut RawEvent<'a>, mut members: Object<'a>) {
    let has_message = ["message", "msg", "log"].iter().any(|name| members.get(name).is_some());
    match (has_message, members.get("line")) {
        (false, Some(Value::String(_))) => {
            if let Some(Value::String(line)) = members.remove("line") {
                (raw.message, raw.is_line) = (Some(line), true);
            }
        }
        (false, Some(Value::Object(_))) => {
            if let Some(Value::Object(line)) = members.remove("line") {
                let known = members.absorb(line);
                if !known.is_empty() {
                    members.push("line", Value::Object(known));
                }
            }
        }
        _ => {}
    }
    raw.fields = members;
}

fn complete(envelope: &mut Object<'_>, defaults: &Defaults) {
    let Defaults { host, source, sourcetype, index } = defaults;
    for (name, value) in [("host", host), ("source", source), ("sourcetype", sourcetype), ("index", index)] {
        if !value.is_empty() && envelope.get(name).is_none() {
            envelope.push(name, Value::string(value.clone()));
        }
    }
}

/// Puts what the envelope says around the event. A time that is none is left to be rejected.
fn apply<'a>(raw: &mut RawEvent<'a>, mut envelope: Object<'a>) {
    if let Some(time) = envelope.remove("time") {
        raw.timestamp_ns = match &time {
            Value::Int(seconds) => Some(event::time::from_number(*seconds)),
            Value::Float(seconds) => Some(event::time::from_float(*seconds)),
            Value::String(text) | Value::Digits(text) => event::time::parse_epoch(text),
            _ => None,
        };
        if raw.timestamp_ns.is_none() && !time.is_null() && time.as_str() != Some("") {
            raw.fields.insert("timestamp", time);
        }
    }
    let mut text = |name| match envelope.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    (raw.host, raw.source) = (text("host"), text("source"));
    if let Some(Value::String(sourcetype)) = envelope.get("sourcetype") {
        raw.default_source = sourcetype.clone();
    }
    if let Some(Value::Object(fields)) = envelope.remove("fields") {
        keep(&mut raw.fields, fields, "fields_");
    }
    keep(&mut raw.fields, envelope, "splunk");
}

/// Adds members; those whose names are taken stay together under `name`.
fn keep<'a>(fields: &mut Object<'a>, members: Object<'a>, name: &'static str) {
    let taken = fields.absorb(members);
    if !taken.is_empty() {
        fields.push(name, Value::Object(taken));
        fields.settle();
    }
}

fn answer(taken: Result<(), Refusal>) -> HttpResponse {
    match taken {
        Ok(()) => HttpResponse::Ok().json(json!({"text": "Success", "code": 0})),
        Err(Refusal::NoData) => HttpResponse::BadRequest().json(json!({"text": "No data", "code": 5})),
        Err(Refusal::Event { code, index, detail }) => {
            let text = match code {
                12 => "Event field is required",
                13 => "Event field cannot be blank",
                _ => "Invalid data format",
            };
            let body = json!({"text": text, "code": code, "invalid-event-number": index, "detail": detail});
            HttpResponse::BadRequest().json(body)
        }
        Err(Refusal::Error { told, by_token }) => refuse(&told, by_token),
    }
}

/// `by_token`: a token came, and it is not good.
fn refuse(told: &Told, by_token: bool) -> HttpResponse {
    let (status, text, code) = match told.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if by_token => {
            (StatusCode::FORBIDDEN, "Invalid token", 4)
        }
        StatusCode::UNAUTHORIZED if told.code == "credentials_missing" => {
            (told.status, "Token is required", 2)
        }
        StatusCode::UNAUTHORIZED => (told.status, "Invalid authorization", 3),
        StatusCode::FORBIDDEN => (told.status, "Invalid token", 4),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => (told.status, "Server is busy", 9),
        StatusCode::PAYLOAD_TOO_LARGE => (told.status, "Request entity is too large", 27),
        status if status.is_client_error() => (status, "Invalid data format", 6),
        status => (status, "Internal server error", 8),
    };
    refusal(told, status).json(json!({"text": text, "code": code, "detail": told.detail}))
}

/// Docker's log driver asks with OPTIONS before it starts a container, and shows no token. Needs none, as in Splunk.
///
/// # Errors
/// 405 for other methods.
pub async fn connection(request: HttpRequest) -> HttpResponse {
    if request.method() != Method::OPTIONS {
        return HttpResponse::MethodNotAllowed().finish();
    }
    HttpResponse::Ok().insert_header(("Allow", "OPTIONS, POST")).finish()
}

/// Whether events would be taken now. Needs no token, as in Splunk.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({"text": "HEC is healthy", "code": 17}))
}

/// There is nothing to ask later: an event is on disk when its request is answered.
pub async fn acknowledgements(sender: Sender) -> HttpResponse {
    match sender {
        Ok(_) => HttpResponse::BadRequest().json(json!({"text": "ACK is disabled", "code": 14})),
        Err(error) => refuse(&ApiError::from(error).told(), false),
    }
}

#[cfg(test)]
mod tests;
