//! Datadog: `POST /api/v2/logs` as its agents and libraries send it, and the check of a key.
//!
//! `ddtags` become the object `tags`; `ddsource` is the source of events that name no service. 202 with an empty object says that
//! all is taken; `errors` in it name what was rejected.

use super::{Sender, arrive, known, noted, refusal};
use crate::error::{ApiError, Told};
use crate::ingest::arrival::Arrival;
use crate::ingest::intake::Gathered;
use crate::ingest::{Ingest, IngestError};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::ingest::IngestError as EventError;
use event::{Content, Object, RawEvent, Value};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v2/logs").post(send))
        .service(web::resource("/api/v1/validate").get(validate));
}

/// What the address may say for all events of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Defaults {
    ddsource: String,
    ddtags: String,
    hostname: String,
    service: String,
}

/// # Errors
/// In Datadog's form: 400 when the body is broken or all of it rejected, 401, 403, 413, 415, 429, 503.
pub async fn send(
    request: HttpRequest,
    sender: Sender,
    defaults: web::Query<Defaults>,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let key = known(&sender);
    match noted(&ingest, key, take(&request, sender, &defaults, payload, &ingest).await) {
        Ok(answer) => answer,
        Err(error) => refuse(&error.told()),
    }
}

async fn take(
    request: &HttpRequest,
    sender: Sender,
    defaults: &Defaults,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<HttpResponse, ApiError> {
    let label = request.headers().get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    let content = match label {
        logplex if logplex.starts_with("application/logplex") => Content::Text,
        label => Content::from_mime(label).unwrap_or(Content::Unlabelled),
    };
    let arrival = arrive(ingest, sender, request, payload).await?;
    let gathered = gather(&arrival, content, defaults)?;
    let (accepted, errors) = (gathered.accepted.rows.count(), gathered.errors.clone());
    arrival.keep(gathered).await?;
    Ok(match (accepted, errors.is_empty()) {
        (_, true) => HttpResponse::Accepted().json(json!({})),
        (0, false) => HttpResponse::BadRequest().json(listed(&errors)),
        (_, false) => HttpResponse::Accepted().json(listed(&errors)),
    })
}

fn listed(errors: &[EventError]) -> serde_json::Value {
    let error = |error: &EventError| json!({"status": "400", "title": error.code, "detail": format!("log {}: {}", error.index, error.detail)});
    json!({"errors": errors.iter().map(error).collect::<Vec<_>>()})
}

fn gather(arrival: &Arrival, content: Content, defaults: &Defaults) -> Result<Gathered, IngestError> {
    let mut gathering = arrival.gathering(arrival.intake());
    for item in event::decode(arrival.body(), content) {
        let mut item = item?;
        if let Ok(raw) = &mut item {
            // The agent asks with an empty object whether it gets through.
            if raw.fields.is_empty() && raw.message.is_none() {
                continue;
            }
            read(raw, defaults);
        }
        gathering.take(item)?;
    }
    Ok(gathering.finish())
}

fn read(raw: &mut RawEvent<'_>, defaults: &Defaults) {
    raw.original = Cow::default(); // its names mean something here only
    let fields = &mut raw.fields;
    for (name, value) in [
        ("ddsource", &defaults.ddsource),
        ("ddtags", &defaults.ddtags),
        ("hostname", &defaults.hostname),
        ("service", &defaults.service),
    ] {
        if !value.is_empty() && fields.get(name).is_none() {
            fields.push(name, Value::string(value.clone()));
        }
    }
    if let Some(Value::String(source)) = fields.get("ddsource") {
        raw.default_source = source.clone();
    }
    if let Some(Value::String(_)) = fields.get("ddtags")
        && let Some(Value::String(list)) = fields.remove("ddtags")
    {
        let name = if fields.get("tags").is_none() { "tags" } else { "ddtags" };
        fields.push(name, Value::Object(tags(&list)));
    }
    // A message that is JSON is read like the event itself.
    if let Some(Value::String(_)) = fields.get("message")
        && let Some(Value::String(line)) = fields.remove("message")
    {
        (raw.message, raw.is_line) = (Some(line), true);
    }
}

/// `env:prod,team:web,canary` is `{"env": "prod", "team": "web", "canary": true}`; a name that comes again makes an array.
fn tags(list: &str) -> Object<'static> {
    let mut tags = Object::new();
    for tag in list.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (name, value) = match tag.split_once(':') {
            Some((name, value)) => (name, Value::string(value.to_owned())),
            None => (tag, Value::Bool(true)),
        };
        match tags.get_mut(name) {
            None => tags.push(Cow::Owned(name.to_owned()), value),
            Some(Value::Array(values)) => values.push(value),
            Some(known) => *known = Value::Array(vec![std::mem::replace(known, Value::Null), value]),
        }
    }
    tags
}

fn refuse(told: &Told) -> HttpResponse {
    let title = told.status.canonical_reason().unwrap_or("Error");
    let error = json!({"status": told.status.as_u16().to_string(), "title": title, "detail": told.detail});
    refusal(told, told.status).json(json!({"errors": [error]}))
}

/// Whether the key that came with the question is good. Everybody may ask.
pub async fn validate(sender: Sender) -> HttpResponse {
    match sender {
        Ok(_) => HttpResponse::Ok().json(json!({"valid": true})),
        Err(error) => {
            let told = ApiError::from(error).told();
            match told.status.is_client_error() {
                true => HttpResponse::Forbidden().json(json!({"errors": ["Forbidden"]})),
                false => refuse(&told),
            }
        }
    }
}

#[cfg(test)]
mod tests;
