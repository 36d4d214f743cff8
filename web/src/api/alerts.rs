//! Alert rules, their history, and the channels that carry notifications.

use super::{ApiError, Nothing, delete, get, patch, post, post_for_nothing};
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

pub async fn preview(request: AlertRuleRequest) -> Result<AlertPreview, ApiError> {
    post("/api/v1/alert-rules/preview", &request).await
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

pub async fn delete_channel(id: String) -> Result<Nothing, ApiError> {
    delete(&format!("/api/v1/notification-channels/{id}")).await
}

pub async fn test_channel(id: String) -> Result<Nothing, ApiError> {
    post_for_nothing(&format!("/api/v1/notification-channels/{id}/test"), &serde_json::json!({})).await
}
