//! Marks over the histogram, and the fields that a project's people see first.

use super::{ApiError, Nothing, delete as remove, get, post, put};
use crate::url::escape;
use api_types::List;
use api_types::annotations::{Annotation, AnnotationRequest, PinnedFields};

/// Of a range, newest first.
pub async fn list(
    project: String,
    from: String,
    to: String,
    now_ms: i64,
) -> Result<Vec<Annotation>, ApiError> {
    let (from, to) = (escape(&from), escape(&to));
    let address = format!("/api/v1/annotations?project_id={project}&from={from}&to={to}&now={now_ms}");
    get::<List<Annotation>>(&address).await.map(|list| list.items)
}

pub async fn create(request: AnnotationRequest) -> Result<Annotation, ApiError> {
    post("/api/v1/annotations", &request).await
}

pub async fn delete(id: String) -> Result<Nothing, ApiError> {
    remove(&format!("/api/v1/annotations/{id}")).await
}

pub async fn pinned(project: String) -> Result<Vec<String>, ApiError> {
    get::<PinnedFields>(&format!("/api/v1/projects/{project}/pinned-fields"))
        .await
        .map(|pinned| pinned.fields)
}

pub async fn pin(project: String, fields: Vec<String>) -> Result<Vec<String>, ApiError> {
    let pinned: PinnedFields =
        put(&format!("/api/v1/projects/{project}/pinned-fields"), &PinnedFields { fields }).await?;
    Ok(pinned.fields)
}
