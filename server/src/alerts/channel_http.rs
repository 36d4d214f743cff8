//! Notification channels over HTTP.

use super::channel_config::ChannelConfig;
use super::channels::{StoredChannel, checked_name};
use super::http::{PageQuery, id_of, page_of};
use super::notify::Job;
use super::{AlertError, Alerts, notice, policy};
use crate::audit::{Auditor, Target};
use crate::auth::{Editor, Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use crate::time::now_us;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::alerts::{Channel, ChannelKind, ChannelRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/notification-channels").get(on_main(list)).post(on_main(create)))
        .service(
            web::resource("/api/v1/notification-channels/{id}")
                .get(on_main(get))
                .patch(on_main(change))
                .delete(on_main(delete)),
        )
        .service(web::resource("/api/v1/notification-channels/{id}/test").post(on_main(test)));
}

/// The organization's channels without their secrets, newest first.
async fn list(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    page: web::Query<PageQuery>,
) -> Result<web::Json<List<Channel>>, ApiError> {
    let size = page.size();
    let found = alerts.channels.list(member.scope(), page.before()?, size as i64 + 1).await?;
    let (found, next_cursor) = page_of(found, size, |channel| channel.id.to_string());
    let mut items = Vec::with_capacity(found.len());
    for channel in found {
        items.push(shown(&alerts, member.scope(), &channel).await?);
    }
    Ok(web::Json(List { items, next_cursor }))
}

async fn get(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    path: web::Path<String>,
) -> Result<web::Json<Channel>, ApiError> {
    let channel = alerts.channels.get(member.scope(), id_of(&path)?).await?;
    Ok(web::Json(shown(&alerts, member.scope(), &channel).await?))
}

/// Creates a channel. The answer to a webhook without a secret shows the one that was made, this once.
///
/// # Errors
/// 409 `name_taken`, 422 `invalid`; e-mail goes to members of the organization only, and nothing into private networks.
async fn create(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    body: web::Json<ChannelRequest>,
) -> Result<(web::Json<Channel>, StatusCode), ApiError> {
    let ChannelRequest { name, kind, config } = body.into_inner();
    let name = checked_name(&name)?;
    let has_secret = config.get("secret").and_then(Value::as_str).is_some_and(|secret| !secret.is_empty());
    let config = ChannelConfig::parse(kind, config, None)?;
    refuse_undeliverable(&alerts, editor.scope(), &config).await?;
    let channel = alerts.channels.insert(editor.scope(), name, config).await?;
    note(&auditor, "notification_channel.created", &channel).await;
    let mut answer = shown(&alerts, editor.scope(), &channel).await?;
    if let (Some(ChannelConfig::Webhook { secret, .. }), false) = (&channel.config, has_secret) {
        answer.config["secret"] = json!(secret);
    }
    Ok((web::Json(answer), StatusCode::CREATED))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelChange {
    name: Option<String>,
    kind: Option<ChannelKind>,
    config: Option<Value>,
}

/// Changes what is given; a secret that is left out stays.
///
/// # Errors
/// As `create`.
async fn change(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<ChannelChange>,
) -> Result<web::Json<Channel>, ApiError> {
    let ChannelChange { name, kind, config } = body.into_inner();
    let (scope, id) = (editor.scope(), id_of(&path)?);
    let before = alerts.channels.get(scope, id).await?;
    let name = name.map_or(Ok(before.name), |name| checked_name(&name))?;
    let kind = kind.unwrap_or(before.kind);
    let config = config.unwrap_or_else(|| json!({}));
    let config = ChannelConfig::parse(kind, config, before.config.as_ref())?;
    if before.config.as_ref() != Some(&config) {
        refuse_undeliverable(&alerts, scope, &config).await?;
    }
    alerts.channels.update(scope, id, &name, &config).await?;
    let channel = alerts.channels.get(scope, id).await?;
    note(&auditor, "notification_channel.changed", &channel).await;
    Ok(web::Json(shown(&alerts, scope, &channel).await?))
}

/// # Errors
/// 409 `channel_in_use` with the rules that use it.
async fn delete(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let (scope, id) = (editor.scope(), id_of(&path)?);
    let channel = alerts.channels.get(scope, id).await?;
    if policy::names(&alerts.policies.of(scope).await?, id) {
        return Err(AlertError::ChannelInUse { rules: vec!["the routes and quiet hours".into()] }.into());
    }
    alerts.channels.delete(scope, id).await?;
    note(&auditor, "notification_channel.deleted", &channel).await;
    Ok(NoContent)
}

/// Sends a made-up notification at once, and tells what became of it.
///
/// # Errors
/// 422 `delivery_failed` with the other side's answer.
async fn test(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<web::Json<Value>, ApiError> {
    let channel = alerts.channels.get(editor.scope(), id_of(&path)?).await?;
    note(&auditor, "notification_channel.tested", &channel).await;
    let mut answers = Vec::new();
    for address in channel.addresses() {
        for notice in notice::examples(channel.kind, now_us()) {
            let job = Job::to_channel(*editor.scope(), Uuid::now_v7(), &channel, address.clone(), notice);
            let answer = alerts.outbox.notifier().send(&job).await;
            answers.push(answer.map_err(|error| AlertError::TestFailed(error.to_string()))?);
        }
    }
    Ok(web::Json(json!({ "delivered": true, "detail": answers.join("; ") })))
}

/// Where it leads, and never a secret.
async fn note(auditor: &Auditor, action: &'static str, channel: &StoredChannel) {
    let shown = channel.to_wire();
    let detail = json!({"kind": shown.kind, "config": shown.config});
    auditor.record(action, Target::of(channel.id, &channel.name), detail).await;
}

/// E-mail is for members: nobody can make this service write to strangers. Calls go where the operator lets them.
async fn refuse_undeliverable(
    alerts: &Alerts,
    scope: &TenantScope,
    config: &ChannelConfig,
) -> Result<(), AlertError> {
    match config {
        ChannelConfig::Email { to } => {
            for address in to {
                if alerts.channels.member_by_address(scope, address).await?.is_none() {
                    let detail =
                        format!("{address} is not a member of this organization. Invite them first.");
                    return Err(InvalidFields::one("config.to", "not_a_member", &detail).into());
                }
            }
        }
        ChannelConfig::Slack { url } | ChannelConfig::Webhook { url, .. } => {
            let url =
                url.parse().map_err(|_| InvalidFields::one("config.url", "invalid", "Not an address."))?;
            if let Err(error) = alerts.outbox.notifier().outbound().check(&url).await {
                let detail = format!("It cannot be called: {error}.");
                return Err(InvalidFields::one("config.url", "not_allowed", &detail).into());
            }
        }
        ChannelConfig::Pagerduty { .. } => {}
    }
    Ok(())
}

/// The channel as the API shows it, with the addresses that still have to be confirmed.
async fn shown(alerts: &Alerts, scope: &TenantScope, channel: &StoredChannel) -> Result<Channel, AlertError> {
    let mut shown = channel.to_wire();
    if let Some(ChannelConfig::Email { to }) = &channel.config {
        let mut unverified = Vec::new();
        for address in to {
            let member = alerts.channels.member_by_address(scope, address).await?;
            if member.is_none_or(|member| member.email_verified_at.is_none()) {
                unverified.push(address);
            }
        }
        shown.config["unverified"] = json!(unverified);
    }
    Ok(shown)
}
