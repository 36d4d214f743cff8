//! Searching: rows, histogram, fields and their values, one event. A file on the reader's machine is asked in place of the server.

use super::{ApiError, get, json, post, signed_in, stream};
use crate::local::client;
use api_types::events::{Context, DifferenceRequest, Differences, Patterns};
use api_types::search::*;
use gloo_net::http::Method;
use serde::{Serialize, de::DeserializeOwned};

async fn ask<T: DeserializeOwned>(what: &str, request: &impl Serialize) -> Result<T, ApiError> {
    match client::current() {
        Some(file) => file.ask(what, request).await,
        None => post(&format!("/api/v1/logs/{what}"), request).await,
    }
}

pub async fn search(request: SearchRequest) -> Result<SearchAnswer, ApiError> {
    ask("search", &request).await
}

/// What a search tells before it is done.
#[derive(Debug, Clone, PartialEq)]
pub enum SoFar {
    Progress(Progress),
    /// The newest rows; the answer will have them again, and the others.
    Rows(Box<SearchAnswer>),
}

/// As `search`, telling meanwhile how far it is.
pub async fn search_telling(
    request: SearchRequest,
    mut tell: impl FnMut(SoFar),
) -> Result<SearchAnswer, ApiError> {
    if client::current().is_some() {
        return search(request).await;
    }
    let answer = signed_in(Method::POST, "/api/v1/logs/search/stream", Some(json(&request)?)).await?;
    stream::events(answer, |(name, data)| match name.as_str() {
        "progress" => {
            tell(SoFar::Progress(serde_json::from_str(&data).ok()?));
            None
        }
        "rows" => {
            tell(SoFar::Rows(serde_json::from_str(&data).ok()?));
            None
        }
        "result" => {
            Some(serde_json::from_str(&data).map_err(|error| ApiError::Unreadable(error.to_string())))
        }
        "error" => Some(Err(serde_json::from_str(&data)
            .map_or(ApiError::Unexpected(500), |problem| ApiError::Problem(Box::new(problem))))),
        _ => None,
    })
    .await
}

pub async fn histogram(request: SearchRequest) -> Result<Histogram, ApiError> {
    ask("histogram", &request).await
}

pub async fn fields(request: SearchRequest) -> Result<Fields, ApiError> {
    ask("fields", &request).await
}

pub async fn field_values(request: SearchRequest) -> Result<FieldValues, ApiError> {
    ask("field-values", &request).await
}

/// One event by its id, as a permalink asks for it.
pub async fn event(project: &str, id: &str) -> Result<EventRow, ApiError> {
    match client::current() {
        Some(file) => file.ask("event", &id).await,
        None => {
            let id = js_sys::encode_uri_component(id);
            get(&format!("/api/v1/logs/{id}?project_id={project}")).await
        }
    }
}

pub async fn patterns(request: SearchRequest) -> Result<Patterns, ApiError> {
    ask("patterns", &request).await
}

/// The lines around an event; `same` names the fields that they share with it, separated by commas.
pub async fn context(
    project: &str,
    id: &str,
    before: u32,
    after: u32,
    same: &str,
) -> Result<Context, ApiError> {
    let id = js_sys::encode_uri_component(id);
    let address =
        format!("/api/v1/logs/{id}/context?project_id={project}&before={before}&after={after}&same={same}");
    get(&address).await
}

pub async fn difference(request: DifferenceRequest) -> Result<Differences, ApiError> {
    post("/api/v1/logs/difference", &request).await
}

/// What a query means and costs, without running it.
pub async fn check(request: CheckRequest) -> Result<CheckAnswer, ApiError> {
    post("/api/v1/query/check", &request).await
}
