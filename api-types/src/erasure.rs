//! Jobs that remove data for good.

use crate::search::TimeInput;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which logs to erase.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// A filter, without stages.
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// Why: it stands in the certificate and in the audit log.
    #[serde(default)]
    pub reason: String,
    /// Only count.
    #[serde(default)]
    pub preview: bool,
}

/// What an erasure would take, or will.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EraseAnswer {
    /// Absent for a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    pub rows_expected: u64,
    /// Until then it can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
}

/// Whom to take out of all stored logs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PseudonymiseRequest {
    /// A text that stands for them, such as an address or an id. It is found as a whole, in any case.
    pub subject: String,
    /// Every project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// What is put in its place; made at random when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// Why: it stands in the certificate and in the audit log.
    #[serde(default)]
    pub reason: String,
    /// Only count.
    #[serde(default)]
    pub preview: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PseudonymiseAnswer {
    /// Absent for a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Events that have the subject in them.
    pub rows_expected: u64,
    /// Until then it can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
}

/// What is to be deleted, by the name that it has: nobody deletes the wrong thing by a slip.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteRequest {
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    EraseLogs,
    DeleteProject,
    DeleteOrganization,
    Pseudonymise,
    ExportOrganization,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It can be cancelled.
    Waiting,
    Running,
    Done,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    pub id: String,
    pub kind: JobKind,
    pub state: JobState,
    /// What was asked for.
    pub request: Value,
    /// Absent for the whole organization.
    pub project_id: Option<String>,
    pub requested_by: String,
    pub created_at: String,
    /// Until then it can be cancelled.
    pub starts_at: String,
    pub finished_at: Option<String>,
    /// Counted when it was asked for.
    pub rows_expected: u64,
    pub rows_erased: u64,
    /// Why it goes on later.
    pub last_error: Option<String>,
    /// What was erased, once it is done.
    pub certificate: Option<Value>,
}
