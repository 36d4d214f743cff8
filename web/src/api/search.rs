//! Searching: rows, histogram, fields and their values, one event. A file on the reader's machine is asked in place of the server.

use super::{ApiError, get, post};
use crate::local::client;
use api_types::search::*;
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

pub async fn histogram(request: SearchRequest) -> Result<Histogram, ApiError> {
    ask("histogram", &request).await
}

pub async fn fields(request: SearchRequest) -> Result<Vec<Field>, ApiError> {
    ask::<Fields>("fields", &request).await.map(|fields| fields.fields)
}

pub async fn field_values(request: SearchRequest) -> Result<FieldValues, ApiError> {
    ask("field-values", &request).await
}

/// One event by its id, as a permalink asks for it.
pub async fn event(id: &str) -> Result<EventRow, ApiError> {
    match client::current() {
        Some(file) => file.ask("event", &id).await,
        None => get(&format!("/api/v1/logs/{}", js_sys::encode_uri_component(id))).await,
    }
}
