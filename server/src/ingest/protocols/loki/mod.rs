//! Loki: `/loki/api/v1/push`, as JSON and as protobuf in a snappy block.
//!
//! A stream's labels and an entry's structured metadata become the event's fields, read by their names as everywhere. The source
//! is the label that Loki itself would take for the service's name. A line that is JSON is read like a native event. 204 says that
//! every entry is taken; when some are rejected the answer is 400, which clients do not send again, and the others are taken.

mod labels;
mod messages;

use super::{Sender, Unreadable, known, noted, refusal};
use crate::error::{ApiError, Told};
use crate::ingest::arrival::Arrival;
use crate::ingest::body::Encoding;
use crate::ingest::intake::Gathered;
use crate::ingest::{Ingest, IngestError};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use event::{Object, RawEvent, Value};
use messages::{Entry, Stream};
use std::borrow::Cow;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/loki/api/v1/push").post(push));
}

/// # Errors
/// As plain text: 400 when the body is broken or entries of it were rejected, 401, 403, 413, 415, 429, 503.
pub async fn push(
    request: HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let key = known(&sender);
    match noted(&ingest, key, take(&request, sender, payload, &ingest).await) {
        Ok(None) => HttpResponse::NoContent().finish(),
        Ok(Some(rejected)) => text(&mut HttpResponse::BadRequest(), rejected),
        Err(error) => refuse(&error.told()),
    }
}

/// Says what was rejected, if something was.
async fn take(
    request: &HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: &Ingest,
) -> Result<Option<String>, ApiError> {
    let key = sender?;
    let headers = request.headers();
    let is_json = is_json(headers);
    let arrival = Arrival::read(ingest, key, headers, payload, encoding(headers, is_json)?).await?;
    let gathered = gather(&arrival, is_json)?;
    let told = rejected(&gathered);
    arrival.keep(gathered).await?;
    Ok(told)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|mime| mime.to_str().is_ok_and(|mime| mime.contains("json")))
}

/// Protobuf comes in a snappy block, which no header tells.
fn encoding(headers: &HeaderMap, is_json: bool) -> Result<Encoding, IngestError> {
    match Encoding::of(headers)? {
        Encoding::Identity if !is_json => Ok(Encoding::Snappy),
        stated => Ok(stated),
    }
}

fn gather(arrival: &Arrival, is_json: bool) -> Result<Gathered, ApiError> {
    let streams = match is_json {
        true => messages::of_json(arrival.body()),
        false => messages::of_protobuf(arrival.body()),
    };
    let mut gathering = arrival.gathering(arrival.intake());
    let mut index = 0;
    for Stream { labels, entries } in streams.map_err(Unreadable)? {
        let source = service_of(&labels);
        for entry in entries {
            gathering.take(Ok(event_of(index, &labels, &source, entry)))?;
            index += 1;
        }
    }
    Ok(gathering.finish())
}

fn event_of<'a>(index: usize, labels: &Object<'a>, source: &Cow<'a, str>, entry: Entry<'a>) -> RawEvent<'a> {
    let mut raw = RawEvent::from_line(index, entry.line);
    raw.timestamp_ns = entry.time_ns;
    raw.source = Some(source.clone()).filter(|source| !source.is_empty());
    raw.repaired = entry.repaired;
    raw.fields = labels.clone();
    let known = raw.fields.absorb(entry.metadata);
    if !known.is_empty() {
        raw.fields.push("metadata", Value::Object(known));
    }
    raw
}

/// The label that names the service, in the order in which Loki looks for it: before a line can say one. Nothing when there is a
/// label such as `service_name`, which is found by its name.
fn service_of<'a>(labels: &Object<'a>) -> Cow<'a, str> {
    const NAMES: [&str; 11] = [
        "app",
        "application",
        "app_name",
        "app_kubernetes_io_name",
        "container",
        "container_name",
        "k8s_container_name",
        "component",
        "workload",
        "job",
        "k8s_job_name",
    ];
    let label = |name: &&str| match labels.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let is_named = ["source", "service", "service_name"].iter().any(|name| label(name).is_some());
    if is_named { Cow::Borrowed("") } else { NAMES.iter().find_map(label).unwrap_or_default() }
}

fn rejected(gathered: &Gathered) -> Option<String> {
    let first = gathered.errors.first()?;
    let (count, taken) = (gathered.rejected, gathered.accepted.rows.count());
    Some(format!(
        "{count} entries rejected, {taken} taken; entry {}: {} ({})",
        first.index, first.detail, first.code
    ))
}

fn refuse(told: &Told) -> HttpResponse {
    text(&mut refusal(told, told.status), told.detail.clone())
}

fn text(answer: &mut actix_web::HttpResponseBuilder, mut text: String) -> HttpResponse {
    text.push('\n');
    answer.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text)
}

#[cfg(test)]
mod tests;
