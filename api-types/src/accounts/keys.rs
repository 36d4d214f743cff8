//! API keys, and signing a command line in.

use super::given;
use serde::{Deserialize, Serialize};

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

/// A command line that the caller has signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandLine {
    pub id: String,
    pub name: String,
    /// The names of the organization and the project that it is signed in to.
    pub organization: String,
    pub project: String,
    pub scopes: Vec<KeyScope>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
}
