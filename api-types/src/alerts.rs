//! Alert rules, their state and history, and notification channels.

use serde::{Deserialize, Serialize};
use serde_json::Value;

fn enabled() -> bool {
    true
}

/// Body of `POST` and of `PATCH /api/v1/alert-rules` (whole), durations as `5m`, `30s`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRuleRequest {
    pub name: String,
    /// The caller's first project when absent.
    #[serde(default)]
    pub project_id: Option<String>,
    #[serde(default = "enabled")]
    pub enabled: bool,
    #[serde(default)]
    pub severity: Severity,
    pub query: String,
    /// A column of the query's table; the count when absent.
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default = "five_minutes")]
    pub window: String,
    #[serde(default = "one_minute")]
    pub every: String,
    #[serde(default = "fifteen_seconds")]
    pub delay: String,
    pub condition: Condition,
    #[serde(default = "no_time", rename = "for")]
    pub for_: String,
    #[serde(default)]
    pub no_data: NoData,
    #[serde(default = "four_hours")]
    pub renotify: String,
    #[serde(default)]
    pub channel_ids: Vec<String>,
    #[serde(default)]
    pub runbook_url: Option<String>,
    /// Replaces the first line of the notification.
    #[serde(default)]
    pub message: Option<String>,
}

fn five_minutes() -> String {
    "5m".into()
}
fn one_minute() -> String {
    "1m".into()
}
fn fifteen_seconds() -> String {
    "15s".into()
}
fn no_time() -> String {
    "0s".into()
}
fn four_hours() -> String {
    "4h".into()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    #[default]
    Warning,
    Critical,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `>`, `>=`, `<`, `<=`, `==`, `!=`.
    pub op: String,
    pub threshold: f64,
}

/// What a window without any value means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    #[default]
    Ok,
    Alert,
    Keep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRule {
    pub id: String,
    #[serde(flatten)]
    pub definition: AlertRuleRequest,
    /// `ok`, `pending`, `firing`, `no_data`, `error`: the worst of its groups.
    pub state: String,
    pub state_since: Option<String>,
    pub last_value: Option<f64>,
    pub last_evaluated_at: Option<String>,
    /// Why the state is `error`.
    #[serde(default)]
    pub last_error: Option<String>,
    #[serde(default)]
    pub muted_until: Option<String>,
    #[serde(default)]
    pub groups: Vec<AlertGroup>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertGroup {
    /// `source=api`, or empty for a rule without groups.
    pub group: String,
    pub state: String,
    pub since: String,
    pub value: Option<f64>,
}

/// One transition of one group of a rule, newest first in `GET /api/v1/alert-events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    pub id: String,
    pub rule_id: String,
    pub rule_name: String,
    pub group: String,
    pub from_state: String,
    pub to_state: String,
    pub value: Option<f64>,
    pub at: String,
    pub reason: String,
    pub notifications: Vec<Notification>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    pub id: String,
    pub channel_id: String,
    pub channel_name: String,
    /// `queued`, `sent`, `failed`.
    pub state: String,
    pub attempts: u32,
    pub sent_at: Option<String>,
    #[serde(default)]
    pub last_error: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuteRequest {
    /// RFC 3339; `null` ends the mute.
    pub until: Option<String>,
}

/// The rule's series over the last day, one point an evaluation, with the breaches marked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertPreview {
    pub interval_ms: u64,
    pub points: Vec<PreviewPoint>,
    /// How often the rule would have begun to fire.
    pub firings: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewPoint {
    pub at: String,
    pub group: String,
    pub value: Option<f64>,
    pub breach: bool,
    pub state: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Email,
    Slack,
    Pagerduty,
    Webhook,
}

/// `config` for e-mail: `{"to": ["a@b.example"]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRequest {
    pub name: String,
    pub kind: ChannelKind,
    pub config: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub kind: ChannelKind,
    /// Secrets are left out.
    pub config: Value,
    pub created_at: String,
}
