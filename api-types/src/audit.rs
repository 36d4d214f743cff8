//! The audit log: who did what, when, from where.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// From 1, without gaps, within the organization.
    pub sequence: i64,
    pub at: String,
    pub actor: AuditActor,
    /// As in `project.changed`.
    pub action: String,
    /// What it was done to, for people.
    pub target: String,
    pub target_id: String,
    pub detail: Value,
    pub address: String,
    pub user_agent: String,
    /// Of the entry before; in hexadecimal.
    pub previous_hash: String,
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditActor {
    /// `person`, `key` or `system`.
    pub kind: String,
    /// Empty for the system.
    pub id: String,
    /// The address or the key's name, as it was then.
    pub name: String,
}

/// Whether the chain of entries is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditCheck {
    pub intact: bool,
    pub entries: u64,
    pub newest_hash: String,
    /// The first entry that is not what was written, or before which one is missing.
    pub broken_at: Option<i64>,
}
