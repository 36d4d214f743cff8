//! Signing up and in, the people and projects of an organization, its API keys.

use super::{ApiError, Nothing, delete, get, json, patch, post, read, send};
use api_types::List;
use api_types::accounts::*;
use gloo_net::http::Method;
use serde::Serialize;

/// Calls that need no session: a 401 of theirs is an answer, not the end of one.
async fn public<T: serde::de::DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(send(Method::POST, path, Some(json(body)?)).await?).await
}

async fn public_for_nothing(path: &str, body: &impl Serialize) -> Result<Nothing, ApiError> {
    send(Method::POST, path, Some(json(body)?)).await.map(|_| Nothing)
}

pub async fn sign_up(request: SignupRequest) -> Result<Session, ApiError> {
    public("/api/v1/auth/signup", &request).await
}

pub async fn log_in(request: LoginRequest) -> Result<Session, ApiError> {
    public("/api/v1/auth/login", &request).await
}

pub async fn log_out() -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/auth/logout", &serde_json::json!({})).await
}

pub async fn verify_email(token: String) -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/auth/verify-email", &TokenRequest { token }).await
}

pub async fn forgot_password(email: String) -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/auth/forgot-password", &ForgotPasswordRequest { email }).await
}

pub async fn reset_password(request: ResetPasswordRequest) -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/auth/reset-password", &request).await
}

pub async fn switch_organization(organization_id: String) -> Result<Session, ApiError> {
    post("/api/v1/auth/switch", &SwitchRequest { organization_id }).await
}

pub async fn me() -> Result<Me, ApiError> {
    get("/api/v1/me").await
}

pub async fn change_profile(change: ProfileChange) -> Result<Me, ApiError> {
    patch("/api/v1/me", &change).await
}

pub async fn members() -> Result<Vec<Member>, ApiError> {
    get::<List<Member>>("/api/v1/members").await.map(|list| list.items)
}

pub async fn projects() -> Result<Vec<Project>, ApiError> {
    get::<List<Project>>("/api/v1/projects").await.map(|list| list.items)
}

pub async fn create_project(request: ProjectRequest) -> Result<Project, ApiError> {
    post("/api/v1/projects", &request).await
}

pub async fn change_project(id: String, request: ProjectRequest) -> Result<Project, ApiError> {
    patch(&format!("/api/v1/projects/{id}"), &request).await
}

pub async fn api_keys() -> Result<Vec<ApiKey>, ApiError> {
    get::<List<ApiKey>>("/api/v1/api-keys").await.map(|list| list.items)
}

pub async fn create_api_key(request: NewApiKeyRequest) -> Result<CreatedApiKey, ApiError> {
    post("/api/v1/api-keys", &request).await
}

pub async fn revoke_api_key(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/api-keys/{id}")).await
}

pub async fn change_member(user_id: String, role: Role) -> Result<Member, ApiError> {
    patch(&format!("/api/v1/members/{user_id}"), &serde_json::json!({ "role": role })).await
}

pub async fn remove_member(user_id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/members/{user_id}")).await
}

pub async fn sessions() -> Result<Vec<SignedInSession>, ApiError> {
    get::<List<SignedInSession>>("/api/v1/sessions").await.map(|list| list.items)
}

pub async fn end_session(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/sessions/{id}")).await
}
