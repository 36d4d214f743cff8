//! Signing up and in, the people and projects of an organization, its API keys.

use super::{
    ApiError, Nothing, delete, delete_with, get, json, patch, post, post_for_nothing, put, read, send,
};
use crate::browser;
use crate::url::escape;
use api_types::List;
use api_types::accounts::*;
use api_types::audit::{AuditCheck, AuditEntry};
use api_types::erasure::{
    DeleteRequest, EraseAnswer, EraseRequest, Job, PseudonymiseAnswer, PseudonymiseRequest,
};
use gloo_net::http::Method;
use serde::Serialize;

async fn delete_named(path: &str, name: String) -> Result<EraseAnswer, ApiError> {
    delete_with(path, &DeleteRequest { name }).await
}

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

pub async fn sso_providers() -> Result<Vec<SsoProvider>, ApiError> {
    let answer = send(Method::GET, "/api/v1/auth/sso", None).await?;
    read::<List<SsoProvider>>(answer).await.map(|list| list.items)
}

pub async fn sso_pending() -> Result<SsoPending, ApiError> {
    read(send(Method::GET, "/api/v1/auth/sso/pending", None).await?).await
}

pub async fn sso_finish(request: SsoFinish) -> Result<Session, ApiError> {
    public("/api/v1/auth/sso/finish", &request).await
}

pub async fn sign_in_methods() -> Result<SignInMethods, ApiError> {
    get("/api/v1/me/identities").await
}

pub async fn begin_link(provider: String, password: Option<String>) -> Result<LinkStarted, ApiError> {
    post("/api/v1/me/identities", &LinkRequest { provider, password }).await
}

pub async fn unlink(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/me/identities/{id}")).await
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

/// Gives a key other limits of sending.
pub async fn limit_api_key(id: String, limits: IngestLimits) -> Result<ApiKey, ApiError> {
    patch(&format!("/api/v1/api-keys/{id}"), &ApiKeyChange::from(limits)).await
}

pub async fn revoke_api_key(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/api-keys/{id}")).await
}

pub async fn change_member(user_id: String, role: Role) -> Result<Member, ApiError> {
    patch(&format!("/api/v1/members/{user_id}"), &serde_json::json!({ "role": role })).await
}

pub async fn transfer_organization(request: TransferRequest) -> Result<Member, ApiError> {
    post("/api/v1/organization/transfer", &request).await
}

pub async fn project_roles(user_id: String) -> Result<Vec<ProjectRoleOf>, ApiError> {
    get::<List<ProjectRoleOf>>(&format!("/api/v1/members/{user_id}/projects")).await.map(|list| list.items)
}

pub async fn set_project_roles(
    user_id: String,
    items: Vec<ProjectRoleOf>,
) -> Result<List<ProjectRoleOf>, ApiError> {
    put(&format!("/api/v1/members/{user_id}/projects"), &SetProjectRoles { items }).await
}

/// Which logs a member sees; `None` is all of them.
pub async fn set_row_rule(user_id: String, row_rule: Option<String>) -> Result<Member, ApiError> {
    let change = MemberChange { role: None, row_rule: Some(row_rule) };
    patch(&format!("/api/v1/members/{user_id}"), &change).await
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

pub async fn command_lines() -> Result<Vec<CommandLine>, ApiError> {
    get::<List<CommandLine>>("/api/v1/me/command-lines").await.map(|list| list.items)
}

pub async fn end_command_line(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/me/command-lines/{id}")).await
}

pub async fn rotate_api_key(id: String, overlap_hours: u32) -> Result<CreatedApiKey, ApiError> {
    post(&format!("/api/v1/api-keys/{id}/rotate"), &RotateRequest { overlap_hours }).await
}

pub async fn invitations() -> Result<Vec<Invitation>, ApiError> {
    get::<List<Invitation>>("/api/v1/invitations").await.map(|list| list.items)
}

pub async fn invite(request: InvitationRequest) -> Result<Invitation, ApiError> {
    post("/api/v1/invitations", &request).await
}

pub async fn resend_invitation(id: String) -> Result<Nothing, ApiError> {
    post_for_nothing(&format!("/api/v1/invitations/{id}/resend"), &serde_json::json!({})).await
}

pub async fn withdraw_invitation(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/invitations/{id}")).await
}

pub async fn look_up_invitation(token: String) -> Result<InvitedTo, ApiError> {
    public("/api/v1/invitations/look-up", &TokenRequest { token }).await
}

/// Joins, with the session of this browser if there is one.
pub async fn accept_invitation(request: AcceptRequest) -> Result<Session, ApiError> {
    public("/api/v1/invitations/accept", &request).await
}

/// The person of this browser's session, for pages that need none.
pub async fn who_is_signed_in() -> Option<User> {
    let ask = || async { read::<Me>(send(Method::GET, "/api/v1/me", None).await?).await };
    match ask().await {
        Ok(me) => Some(me.user),
        Err(_) if browser::refresh_session().await => ask().await.ok().map(|me| me.user),
        Err(_) => None,
    }
}

pub async fn audit_log(query: &str, from: &str, cursor: Option<&str>) -> Result<List<AuditEntry>, ApiError> {
    let cursor = cursor.map(|cursor| format!("&cursor={}", escape(cursor))).unwrap_or_default();
    get(&format!("/api/v1/audit-log?q={}&from={}{cursor}", escape(query), escape(from))).await
}

/// Where the file is, for a link.
pub fn audit_export_address(query: &str, from: &str) -> String {
    format!("/api/v1/audit-log/export?q={}&from={}", escape(query), escape(from))
}

pub async fn audit_check() -> Result<AuditCheck, ApiError> {
    get("/api/v1/audit-log/check").await
}

pub async fn second_factor() -> Result<SecondFactor, ApiError> {
    get("/api/v1/second-factor").await
}

pub async fn begin_second_factor(password: String) -> Result<SecondFactorSetup, ApiError> {
    post("/api/v1/second-factor", &PasswordRequest { password }).await
}

pub async fn confirm_second_factor(code: String) -> Result<RecoveryCodes, ApiError> {
    post("/api/v1/second-factor/confirm", &CodeRequest { code }).await
}

pub async fn new_recovery_codes(password: String, code: String) -> Result<RecoveryCodes, ApiError> {
    // A wrong code is an answer of this form, not the end of the session.
    public("/api/v1/second-factor/recovery-codes", &PasswordAndCode { password, code }).await
}

pub async fn disable_second_factor(password: String, code: String) -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/second-factor/disable", &PasswordAndCode { password, code }).await
}

pub async fn reset_second_factor(user_id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/members/{user_id}/second-factor")).await
}

pub async fn change_email(email: String, password: String) -> Result<Nothing, ApiError> {
    post_for_nothing("/api/v1/me/email", &EmailChange { email, password }).await
}

pub async fn confirm_new_email(token: String) -> Result<Nothing, ApiError> {
    public_for_nothing("/api/v1/auth/change-email", &TokenRequest { token }).await
}

pub async fn rename_organization(name: String) -> Result<Organization, ApiError> {
    patch("/api/v1/organization", &OrganizationChange { name }).await
}

pub async fn delete_organization(name: String) -> Result<EraseAnswer, ApiError> {
    delete_named("/api/v1/organization", name).await
}

pub async fn delete_project(id: String, name: String) -> Result<EraseAnswer, ApiError> {
    delete_named(&format!("/api/v1/projects/{id}"), name).await
}

pub async fn erase_logs(request: EraseRequest) -> Result<EraseAnswer, ApiError> {
    post("/api/v1/logs/delete", &request).await
}

pub async fn pseudonymise(request: PseudonymiseRequest) -> Result<PseudonymiseAnswer, ApiError> {
    post("/api/v1/logs/pseudonymise", &request).await
}

pub async fn export_organization() -> Result<EraseAnswer, ApiError> {
    post("/api/v1/organization/export", &serde_json::json!({})).await
}

pub async fn jobs() -> Result<Vec<Job>, ApiError> {
    get::<List<Job>>("/api/v1/jobs").await.map(|list| list.items)
}

pub async fn cancel_job(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/jobs/{id}")).await
}

pub async fn waiting_device(user_code: String) -> Result<WaitingDevice, ApiError> {
    post("/api/v1/auth/device/look-up", &TypedCode { user_code }).await
}

pub async fn answer_device(answer: DeviceAnswer) -> Result<Nothing, ApiError> {
    post_for_nothing("/api/v1/auth/device/confirm", &answer).await
}
