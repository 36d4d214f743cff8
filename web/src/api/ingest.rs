//! Usage, the health of ingest, dead letters, and what a project masks.

use super::{ApiError, Nothing, delete, get, post, put};
use api_types::List;
use api_types::ingest::{DeadLetter, DeadLetterSelection, ReplayAnswer};
use api_types::masking::{Masking, MaskingPreview, MaskingPreviewRequest};
use api_types::usage::{IngestHealth, Usage};

pub async fn usage(from: String) -> Result<Usage, ApiError> {
    get(&format!("/api/v1/usage?from={from}")).await
}

pub async fn health() -> Result<IngestHealth, ApiError> {
    get("/api/v1/ingest/health").await
}

/// A page of dead letters, newest first; empty texts do not narrow.
pub async fn dead_letters(
    project_id: String,
    code: String,
    query: String,
    cursor: Option<String>,
) -> Result<List<DeadLetter>, ApiError> {
    let escape = js_sys::encode_uri_component;
    let mut path = String::from("/api/v1/dead-letters?limit=50");
    let narrowing = [
        ("project_id", project_id),
        ("code", code),
        ("query", query),
        ("cursor", cursor.unwrap_or_default()),
    ];
    for (name, value) in narrowing.iter().filter(|(_, value)| !value.is_empty()) {
        path.push_str(&format!("&{name}={}", escape(value)));
    }
    get(&path).await
}

pub async fn replay(selection: DeadLetterSelection) -> Result<ReplayAnswer, ApiError> {
    post("/api/v1/dead-letters/replay", &selection).await
}

pub async fn delete_letter(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/dead-letters/{id}")).await
}

/// Deletes all of a project, or those of it with a code.
pub async fn delete_letters(project_id: String, code: String) -> Result<Nothing, ApiError> {
    let code = if code.is_empty() {
        String::new()
    } else {
        format!("&code={}", js_sys::encode_uri_component(&code))
    };
    delete(&format!("/api/v1/dead-letters?all=true&project_id={project_id}{code}")).await
}

pub async fn masking(project_id: &str) -> Result<Masking, ApiError> {
    get(&format!("/api/v1/projects/{project_id}/masking")).await
}

pub async fn save_masking(project_id: String, masking: Masking) -> Result<Masking, ApiError> {
    put(&format!("/api/v1/projects/{project_id}/masking"), &masking).await
}

pub async fn preview_masking(
    project_id: String,
    request: MaskingPreviewRequest,
) -> Result<MaskingPreview, ApiError> {
    post(&format!("/api/v1/projects/{project_id}/masking/preview"), &request).await
}
