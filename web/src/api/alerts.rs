//! Alert rules, their history, and the channels that carry notifications.

use super::{ApiError, Nothing, delete, get, patch, post, post_for_nothing, put};
use api_types::List;
use api_types::alerts::*;

pub async fn rules() -> Result<Vec<AlertRule>, ApiError> {
    get::<List<AlertRule>>("/api/v1/alert-rules?limit=200").await.map(|list| list.items)
}

pub async fn rule(id: &str) -> Result<AlertRule, ApiError> {
    get(&format!("/api/v1/alert-rules/{id}")).await
}

pub async fn create_rule(request: AlertRuleRequest) -> Result<AlertRule, ApiError> {
    post("/api/v1/alert-rules", &request).await
}

pub async fn change_rule(id: String, request: AlertRuleRequest) -> Result<AlertRule, ApiError> {
    patch(&format!("/api/v1/alert-rules/{id}"), &request).await
}

pub async fn delete_rule(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/alert-rules/{id}")).await
}

/// Mutes until a time, or ends the mute.
pub async fn mute_rule(id: String, until: Option<String>) -> Result<AlertRule, ApiError> {
    post(&format!("/api/v1/alert-rules/{id}/mute"), &MuteRequest { until, group: None }).await
}

pub async fn preview(request: AlertRuleRequest, days: &str) -> Result<AlertPreview, ApiError> {
    post(&format!("/api/v1/alert-rules/preview?days={days}"), &request).await
}

/// Why the rule did, or did not, fire at a time.
pub async fn why(id: &str, at: &str) -> Result<WhyAnswer, ApiError> {
    get(&format!("/api/v1/alert-rules/{id}/why?at={}", js_sys::encode_uri_component(at))).await
}

/// A rule's evaluations, newest first.
pub async fn evaluations(id: String, cursor: Option<String>) -> Result<List<AlertEvaluation>, ApiError> {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    get(&format!("/api/v1/alert-rules/{id}/evaluations?limit=20{cursor}")).await
}

/// What the link in a message is about; with hours it silences.
pub async fn mute_link(token: String, hours: Option<u32>) -> Result<MuteLinkView, ApiError> {
    post("/api/v1/mute-links", &MuteLinkRequest { token, hours }).await
}

/// The delivery log, newest first, of one state or of all.
pub async fn notifications(state: &str) -> Result<Vec<LoggedNotification>, ApiError> {
    let path = format!("/api/v1/notifications?limit=50&state={state}");
    get::<List<LoggedNotification>>(&path).await.map(|list| list.items)
}

pub async fn retry_notification(id: String) -> Result<Nothing, ApiError> {
    post_for_nothing(&format!("/api/v1/notifications/{id}/retry"), &serde_json::json!({})).await
}

/// Mutes one group until a time, or ends that.
pub async fn mute_group(id: String, group: String, until: Option<String>) -> Result<AlertRule, ApiError> {
    post(&format!("/api/v1/alert-rules/{id}/mute"), &MuteRequest { until, group: Some(group) }).await
}

/// A rule's transitions, newest first.
pub async fn history(rule_id: String, cursor: Option<String>) -> Result<List<AlertEvent>, ApiError> {
    let cursor =
        cursor.map(|cursor| format!("&cursor={}", js_sys::encode_uri_component(&cursor))).unwrap_or_default();
    get(&format!("/api/v1/alert-events?rule_id={rule_id}&limit=50{cursor}")).await
}

pub async fn channels() -> Result<Vec<Channel>, ApiError> {
    get::<List<Channel>>("/api/v1/notification-channels").await.map(|list| list.items)
}

pub async fn create_channel(request: ChannelRequest) -> Result<Channel, ApiError> {
    post("/api/v1/notification-channels", &request).await
}

pub async fn change_channel(id: String, request: ChannelRequest) -> Result<Channel, ApiError> {
    patch(&format!("/api/v1/notification-channels/{id}"), &request).await
}

pub async fn delete_channel(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/notification-channels/{id}")).await
}

pub async fn test_channel(id: String) -> Result<Nothing, ApiError> {
    post_for_nothing(&format!("/api/v1/notification-channels/{id}/test"), &serde_json::json!({})).await
}

pub async fn policy() -> Result<NotificationPolicy, ApiError> {
    get("/api/v1/notification-policy").await
}

/// Replaces the whole policy.
pub async fn save_policy(policy: NotificationPolicy) -> Result<NotificationPolicy, ApiError> {
    put("/api/v1/notification-policy", &policy).await
}
