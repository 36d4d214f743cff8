//! Alert rules, their state and history, and notification channels.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

fn enabled() -> bool {
    true
}

/// Body of `POST` and of `PATCH /api/v1/alert-rules` (whole), durations as `5m`, `30s`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// How long a firing group must be well before it is resolved.
    #[serde(default = "no_time")]
    pub keep_firing_for: String,
    /// A firing group is well again only beyond this value.
    #[serde(default)]
    pub recovery_threshold: Option<f64>,
    #[serde(default)]
    pub windows: Windows,
    #[serde(default)]
    pub no_data: NoData,
    /// `0s`: never again.
    #[serde(default = "four_hours")]
    pub renotify: String,
    /// Tells of every evaluation that finds something, at most this many times an hour, and of no resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each_match_per_hour: Option<u32>,
    /// Looks once more at each window, this much later, so that events which arrived late are not missed; `0s`: never.
    #[serde(default = "no_time")]
    pub look_again_after: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    #[default]
    Warning,
    Critical,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `>`, `>=`, `<`, `<=`, `==`, `!=`; `change_pct`, `anomaly` and `new` compare with the past.
    pub op: String,
    pub threshold: f64,
    /// Of `change_pct` and `anomaly`: `up` (default), `down` or `both` is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// How far back lies what it is compared with: a duration such as `1d` or `1w` (the same hour then), or `before`, the window
    /// right before. For `new` how long something must have been absent: `7d` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// A group is bad when `needed` of its last `of` windows were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Windows {
    pub needed: u8,
    pub of: u8,
}

impl Default for Windows {
    fn default() -> Self {
        Self { needed: 1, of: 1 }
    }
}

/// What a window without any value means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    #[default]
    Ok,
    Alert,
    Keep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertRule {
    pub id: String,
    #[serde(flatten)]
    pub definition: AlertRuleRequest,
    /// The rule looks only at the events that this filter lets through: the row rule of who made it.
    #[serde(default)]
    pub row_rule: Option<String>,
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
    /// Groups that are muted on their own, and until when.
    #[serde(default)]
    pub muted_groups: BTreeMap<String, String>,
    /// The worst first.
    #[serde(default)]
    pub groups: Vec<AlertGroup>,
    /// Groups beyond the number that a rule watches.
    #[serde(default)]
    pub groups_left_out: usize,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertGroup {
    /// `source=api`, or empty for a rule without groups.
    pub group: String,
    pub state: String,
    pub since: String,
    pub value: Option<f64>,
}

/// One transition of one group of a rule, newest first in `GET /api/v1/alert-events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertEvent {
    pub id: String,
    pub rule_id: String,
    pub rule_name: String,
    pub group: String,
    /// `pending`, `cleared`, `fired`, `no_data`, `renotified`, `resolved`, `failed`, `restored`.
    #[serde(default)]
    pub kind: String,
    pub from_state: String,
    pub to_state: String,
    pub value: Option<f64>,
    pub at: String,
    pub reason: String,
    pub notifications: Vec<Notification>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notification {
    pub id: String,
    pub channel_id: String,
    pub channel_name: String,
    /// Of the one mail that this is.
    #[serde(default)]
    pub address: Option<String>,
    /// `queued`, `sent`, `failed`.
    pub state: String,
    pub attempts: u32,
    pub sent_at: Option<String>,
    /// When it is tried again.
    #[serde(default)]
    pub next_attempt_at: Option<String>,
    #[serde(default)]
    pub last_error: Option<String>,
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
}

/// A notification in the delivery log, newest first in `GET /api/v1/notifications`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoggedNotification {
    #[serde(flatten)]
    pub notification: Notification,
    pub rule_id: String,
    pub rule_name: String,
    /// `Firing: 5xx spike (source=api)`
    pub title: String,
    pub created_at: String,
}

/// One attempt to send a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    pub at: String,
    pub took_ms: u64,
    /// `sent`, `retry`, `failed`.
    pub outcome: String,
    pub detail: String,
}

/// One evaluation of a rule, newest first in `GET /api/v1/alert-rules/{id}/evaluations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertEvaluation {
    pub slot: String,
    pub evaluated_at: String,
    pub took_ms: u64,
    /// Of the rule, afterwards.
    pub state: String,
    /// The worst of its groups.
    pub value: Option<f64>,
    pub groups: u64,
    /// Why it failed, if it did.
    #[serde(default)]
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MuteRequest {
    /// RFC 3339, an epoch number as text, or relative such as `now+2h`; `null` ends the mute.
    pub until: Option<String>,
    /// Only this group; the whole rule when absent.
    #[serde(default)]
    pub group: Option<String>,
}

/// What the link in a message says, and for how long to silence: not at all when absent, 0 ends the silence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MuteLinkRequest {
    pub token: String,
    #[serde(default)]
    pub hours: Option<u32>,
}

/// What such a link is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MuteLinkView {
    pub rule_name: String,
    /// Empty for the whole rule.
    pub group: String,
    pub state: String,
    pub muted_until: Option<String>,
}

/// The rule's series over the last day, one point an evaluation, with the breaches marked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertPreview {
    pub interval_ms: u64,
    /// The column that is compared.
    #[serde(default)]
    pub value: String,
    /// Of the groups that matter most; only for the last day.
    pub points: Vec<PreviewPoint>,
    /// How often the rule would have begun to fire.
    pub firings: u32,
    /// When the first evaluation of the series was; the others follow every `interval_ms`.
    #[serde(default)]
    pub first_ms: i64,
    #[serde(default)]
    pub grouped: bool,
    /// Everything that was seen, to replay the rule with another threshold.
    #[serde(default)]
    pub series: Vec<PreviewSeries>,
    /// Groups that are not in `series`, because there are too many.
    #[serde(default)]
    pub groups_left_out: usize,
    /// What a notification would say now.
    #[serde(default)]
    pub message: Option<MessagePreview>,
}

/// A group's values, one an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreviewSeries {
    pub group: String,
    pub values: Vec<Option<f64>>,
}

/// An organization's rules about its notifications: `GET, PUT /api/v1/notification-policy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NotificationPolicy {
    pub routes: Vec<Route>,
    pub quiet_hours: Vec<QuietHours>,
    pub maintenance: Vec<Maintenance>,
    /// After so many messages within a minute to one address or Slack channel, what follows is gathered into one; 0: never.
    pub digest_after: u32,
}

impl Default for NotificationPolicy {
    fn default() -> Self {
        Self { routes: Vec::new(), quiet_hours: Vec::new(), maintenance: Vec::new(), digest_after: 5 }
    }
}

/// Adds channels to the rules that have one of these severities (any when empty) and all of these labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Route {
    #[serde(default)]
    pub severities: Vec<Severity>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub channel_ids: Vec<String>,
}

/// Notifications wait until `to`; over midnight when `to` is before `from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// All channels when empty.
    #[serde(default)]
    pub channel_ids: Vec<String>,
    /// `mon` … `sun` on which they begin; every day when empty.
    #[serde(default)]
    pub days: Vec<String>,
    /// `22:00`
    pub from: String,
    pub to: String,
    /// `Europe/Berlin`
    pub time_zone: String,
    /// Severities that do not wait.
    #[serde(default = "critical")]
    pub except: Vec<Severity>,
}

fn critical() -> Vec<Severity> {
    vec![Severity::Critical]
}

/// Rules with all of these labels, or these ids, tell nobody from `from` to `to` (RFC 3339); every rule when both are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    pub name: String,
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub rule_ids: Vec<String>,
}

/// What applying a file of rules did, or would do, by their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedRules {
    pub dry_run: bool,
    pub created: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: Vec<String>,
}

/// A mail as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessagePreview {
    pub subject: String,
    pub text: String,
}

/// Why a rule did, or did not, fire at a time: `GET /api/v1/alert-rules/{id}/why?at=…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WhyAnswer {
    pub at: String,
    /// The window that was looked at.
    pub from: String,
    pub to: String,
    /// What was seen then; absent when it was not evaluated, or longer ago than evaluations are kept.
    pub then: Option<AlertEvaluation>,
    /// The worst value of the same window, counted again now.
    pub value_now: Option<f64>,
    /// In sentences, the most important first.
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreviewPoint {
    pub at: String,
    pub group: String,
    pub value: Option<f64>,
    pub breach: bool,
    pub state: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Email,
    Slack,
    Pagerduty,
    Webhook,
}

/// `config` by kind: e-mail `{"to": ["a@b.example"]}`, Slack `{"url"}`, PagerDuty `{"routing_key"}`, webhook
/// `{"url", "secret"?, "body"?}`, where `body` is JSON with `{{placeholders}}` in its texts.
/// `PATCH` takes any of the fields; a secret that is left out stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelRequest {
    pub name: String,
    pub kind: ChannelKind,
    pub config: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub kind: ChannelKind,
    /// Secrets are left out.
    pub config: Value,
    pub created_at: String,
}
