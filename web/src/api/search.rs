//! Searching: rows, histogram, fields and their values, one event.

use super::{ApiError, get, post};
use api_types::search::*;

pub async fn search(request: SearchRequest) -> Result<SearchAnswer, ApiError> {
    post("/api/v1/logs/search", &request).await
}

pub async fn histogram(request: SearchRequest) -> Result<Histogram, ApiError> {
    post("/api/v1/logs/histogram", &request).await
}

pub async fn fields(request: SearchRequest) -> Result<Vec<Field>, ApiError> {
    post::<Fields>("/api/v1/logs/fields", &request).await.map(|fields| fields.fields)
}

pub async fn field_values(request: SearchRequest) -> Result<FieldValues, ApiError> {
    post("/api/v1/logs/field-values", &request).await
}

/// One event by its id, as a permalink asks for it.
pub async fn event(id: &str) -> Result<EventRow, ApiError> {
    get(&format!("/api/v1/logs/{}", js_sys::encode_uri_component(id))).await
}
