//! `GET /api/v1/logs/tail`: a live tail as server-sent events.

use super::reader::Reading;
use super::{Space, Tails};
use crate::audit::{Auditor, Cost, Read};
use crate::auth::Reader;
use crate::error::ApiError;
use crate::runtime::on_main;
use crate::search::one_by_one::Question;
use crate::time::now_us;
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use query_lang::sql::EventKey;
use serde::Deserialize;
use std::convert::Infallible;
use std::future::{Ready, ready};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/tail").get(on_main(tail)));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(alias = "q", default)]
    query: String,
    project_id: Option<String>,
    tz: Option<String>,
    /// For clients that cannot send the header.
    last_event_id: Option<String>,
}

/// The id of the last event that a client saw, sent when it connects again.
struct LastEventId(Option<String>);

impl FromRequest for LastEventId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
        ready(Ok(Self(header.map(str::to_owned))))
    }
}

/// The answer: events as they come, until the client goes away or may not read any more.
struct LiveTail(Reading);

impl Responder for LiveTail {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("text/event-stream")
            // A proxy that gathers the answer first would never pass any of it on.
            .insert_header(("x-accel-buffering", "no"))
            .streaming(self.0.into_stream())
    }
}

/// Pushes matching events as they are acknowledged.
///
/// `event: log` with an event; `dropped` with how many are missing because the client was too slow; `sampled` when there are
/// more matches than can be shown; `gap` after a reconnection that came too late; `end` when the right to read has ended.
///
/// # Errors
/// - 422 `query_invalid`: the query does not compile, or has a stage that needs more than one event.
/// - 404 the project is not one of the caller's.
/// - 429, 503 `too_many_tails`.
async fn tail(
    reader: Reader,
    tails: web::Data<Tails>,
    auditor: Auditor,
    wanted: web::Query<Wanted>,
    last: LastEventId,
) -> Result<LiveTail, ApiError> {
    let project_id = reader.project(wanted.project_id.as_deref()).await?;
    let question = Question::parse(reader.sight(), &wanted.query, wanted.tz.as_deref(), now_us() * 1000)?;
    let after = last.0.as_deref().or(wanted.last_event_id.as_deref()).and_then(EventKey::of_id);
    let space = Space::new(reader.scope(), project_id);
    let reading = tails.open(space, question, reader.standing(), after).await?;
    let read = Read {
        kind: "tail",
        project_id: project_id.to_string(),
        query: wanted.into_inner().query,
        about: None,
        range_ns: None,
        cost: Cost::default(),
    };
    auditor.read_logs(read).await;
    Ok(LiveTail(reading))
}
