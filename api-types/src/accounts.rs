//! Users, organizations, projects, members and API keys.

use serde::{Deserialize, Serialize};

/// What a member may do, smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Editor,
    Admin,
    Owner,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignupRequest {
    pub email: String,
    pub password: String,
    pub name: String,
    pub organization: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub email: String,
    pub password: String,
    /// Of the authenticator app, or a recovery code; for accounts with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A provider by which people may sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SsoProvider {
    pub id: String,
    pub name: String,
}

/// What a login by a provider still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SsoNeeds {
    /// Of the second factor.
    Code,
    /// There is none yet: an organization, or an invitation.
    Account,
}

/// Whom a provider has told us of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SsoPending {
    /// The provider's name.
    pub provider: String,
    pub email: String,
    pub name: String,
    pub needs: SsoNeeds,
    /// The page of ours to go to afterwards.
    pub next: String,
}

/// What was missing: a code; or for somebody new a name and an organization, or the token of an invitation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SsoFinish {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
}

/// How somebody can sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignInMethods {
    pub has_password: bool,
    pub items: Vec<LinkedIdentity>,
}

/// An account of a provider that signs in this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkedIdentity {
    pub id: String,
    /// Of the provider.
    pub provider: String,
    pub name: String,
    /// As it was when it was linked.
    pub email: String,
    pub created_at: String,
    pub last_used_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    pub provider: String,
    /// Of accounts that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Where the browser has to go now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkStarted {
    pub url: String,
}

/// One's own password, given again before something that matters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    pub password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    pub code: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordAndCode {
    pub password: String,
    pub code: String,
}

/// The caller's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactor {
    pub enabled: bool,
    pub recovery_codes_left: u64,
}

/// What an authenticator app is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactorSetup {
    /// Base32, for typing.
    pub secret: String,
    pub otpauth_url: String,
    /// The address as a square for the app's camera: rows of `0` and `1`, dark as `1`.
    pub qr: Vec<String>,
}

/// Each works once, instead of a code. Shown this once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    pub email: String,
    pub password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    pub token: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    pub email: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    pub token: String,
    pub password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SwitchRequest {
    pub organization_id: String,
}

/// The answer of every call that signs somebody in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until `access_token` ends.
    pub expires_in: u64,
    pub user: User,
    pub organization: Organization,
    pub role: Role,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    pub projects: Vec<Project>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    pub user: User,
    pub organization: Organization,
    pub role: Role,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    pub organizations: Vec<Organization>,
    pub projects: Vec<Project>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    #[serde(default)]
    pub email_verified: bool,
}

/// Changes to one's own profile; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_password: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Organization {
    pub id: String,
    pub name: String,
    pub slug: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Project {
    pub id: String,
    pub name: String,
    pub retention_days: u16,
    /// The caller's role in it, where it differs from the one in the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectRequest {
    pub name: String,
    /// The installation's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u16>,
}

/// Changes to a project; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    #[serde(default)]
    pub second_factor: bool,
    pub joined_at: String,
}

/// Changes to a member; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// `null` lets them see everything.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<Option<String>>,
}

/// `null` is something that was given.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Who is to own the organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    pub user_id: String,
    /// Of the caller, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What a member may do in one project, where it differs from their role in the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// The project is not shown to them.
    None,
    Viewer,
    Editor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectRoleOf {
    pub project_id: String,
    pub role: ProjectRole,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetProjectRoles {
    pub items: Vec<ProjectRoleOf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    pub email: String,
    pub role: Role,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
}

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invitation {
    pub id: String,
    pub email: String,
    pub role: Role,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    /// The name of who invited; absent when it was an API key, or when they have left.
    pub invited_by: Option<String>,
    pub expired: bool,
    pub created_at: String,
    pub expires_at: String,
}

/// What the link of an invitation leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitedTo {
    pub email: String,
    pub organization: String,
    pub role: Role,
    pub invited_by: Option<String>,
    /// Whether to log in, or to choose a name and a password.
    pub has_account: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    pub token: String,
    /// For a new account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For a new account, or of the one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A browser in which the caller is signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedInSession {
    pub id: String,
    /// The one that asks.
    pub current: bool,
    pub user_agent: String,
    pub address: String,
    pub created_at: String,
    pub last_seen_at: String,
    pub expires_at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    Ingest,
    Query,
    Admin,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKeyRequest {
    pub name: String,
    pub project_id: String,
    pub scopes: Vec<KeyScope>,
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Networks such as `10.0.0.0/8` from which the key works; none: from everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_networks: Vec<String>,
    /// Rows that its searches may read in a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_day: Option<u64>,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    /// Events and bytes that may be sent with it per second and per day (UTC), besides what the organization may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_events: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_bytes: Option<u64>,
}

impl NewApiKeyRequest {
    #[must_use]
    pub fn ingest_limits(&self) -> IngestLimits {
        IngestLimits {
            events_per_second: self.events_per_second,
            bytes_per_second: self.bytes_per_second,
            daily_events: self.daily_events,
            daily_bytes: self.daily_bytes,
        }
    }
}

/// What may be sent with a key, besides what its organization may send; `null`: it has no limit of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IngestLimits {
    #[serde(default)]
    pub events_per_second: Option<u64>,
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
    /// A day is one of UTC.
    #[serde(default)]
    pub daily_events: Option<u64>,
    #[serde(default)]
    pub daily_bytes: Option<u64>,
}

/// Other limits of sending for a key; what is absent stays, `null` is no limit.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyChange {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub daily_events: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub daily_bytes: Option<Option<u64>>,
}

/// All of them are given.
impl From<IngestLimits> for ApiKeyChange {
    fn from(limits: IngestLimits) -> Self {
        Self {
            events_per_second: Some(limits.events_per_second),
            bytes_per_second: Some(limits.bytes_per_second),
            daily_events: Some(limits.daily_events),
            daily_bytes: Some(limits.daily_bytes),
        }
    }
}

impl ApiKeyChange {
    /// The limits after it.
    #[must_use]
    pub fn of(&self, before: IngestLimits) -> IngestLimits {
        IngestLimits {
            events_per_second: self.events_per_second.unwrap_or(before.events_per_second),
            bytes_per_second: self.bytes_per_second.unwrap_or(before.bytes_per_second),
            daily_events: self.daily_events.unwrap_or(before.daily_events),
            daily_bytes: self.daily_bytes.unwrap_or(before.daily_bytes),
        }
    }
}

/// How a key is followed by a new one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// Hours in which the old key still works.
    #[serde(default = "a_day")]
    pub overlap_hours: u32,
}

fn a_day() -> u32 {
    24
}

/// An API key as lists show it; the secret is only in `CreatedApiKey`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    pub project_id: String,
    pub scopes: Vec<KeyScope>,
    pub prefix: String,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    #[serde(default)]
    pub allowed_networks: Vec<String>,
    #[serde(default)]
    pub rows_per_day: Option<u64>,
    /// A filter in the query language: the only events that are shown; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_rule: Option<String>,
    #[serde(flatten)]
    pub ingest_limits: IngestLimits,
    /// The key that follows it, while both work.
    #[serde(default)]
    pub replaced_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedApiKey {
    #[serde(flatten)]
    pub key: ApiKey,
    /// Shown this once; begins with `prefix`.
    pub secret: String,
}

/// What a program asks for that wants to be signed in through the browser, RFC 8628 section 3.1.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRequest {
    #[serde(default)]
    pub client_id: String,
    /// Scopes with blanks between; none: all that the person may give.
    #[serde(default)]
    pub scope: String,
    /// What the machine calls itself, for the person to know it by.
    #[serde(default)]
    pub client_name: String,
}

/// RFC 8628 section 3.2.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceCodes {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between two questions.
    pub interval: u64,
}

/// RFC 8628 section 3.4.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceTokenRequest {
    #[serde(default)]
    pub grant_type: String,
    #[serde(default)]
    pub device_code: String,
    #[serde(default)]
    pub client_id: String,
}

/// The key that a program gets, RFC 6749 section 5.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceToken {
    pub access_token: String,
    pub token_type: String,
    pub expires_in: u64,
    pub scope: String,
    pub organization: String,
    pub project: String,
}

/// Why a program gets no key, or not yet, RFC 6749 section 5.2.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRefusal {
    pub error: String,
    #[serde(default)]
    pub error_description: String,
}

/// RFC 7009.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevokeRequest {
    #[serde(default)]
    pub token: String,
}

/// The code that a person has read off their terminal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypedCode {
    #[serde(default)]
    pub user_code: String,
}

/// A program that waits for a person to let it in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitingDevice {
    pub client_name: String,
    pub address: String,
    pub created_at: String,
    pub expires_at: String,
    /// What it would get, given the person's role.
    pub scopes: Vec<KeyScope>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceAnswer {
    #[serde(default)]
    pub user_code: String,
    #[serde(default)]
    pub approve: bool,
    /// Where the key is for; the first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}
