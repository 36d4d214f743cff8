//! Saved searches.

use super::{ApiError, Nothing, delete as remove, get, patch, post};
use api_types::List;
use api_types::saved_searches::{SavedSearch, SavedSearchRequest};

pub async fn list() -> Result<Vec<SavedSearch>, ApiError> {
    get::<List<SavedSearch>>("/api/v1/saved-searches?limit=200").await.map(|list| list.items)
}

pub async fn create(request: SavedSearchRequest) -> Result<SavedSearch, ApiError> {
    post("/api/v1/saved-searches", &request).await
}

pub async fn change(id: String, request: SavedSearchRequest) -> Result<SavedSearch, ApiError> {
    patch(&format!("/api/v1/saved-searches/{id}"), &request).await
}

pub async fn delete(id: String) -> Result<Nothing, ApiError> {
    remove(&format!("/api/v1/saved-searches/{id}")).await
}
