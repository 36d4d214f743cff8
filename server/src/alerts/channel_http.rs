//! Notification channels over HTTP.

use super::channels::{self, ChannelConfig, StoredChannel};
use super::http::{PageQuery, id_of, page_of};
use super::notify::Job;
use super::{AlertError, Alerts, notice};
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
    let found = channels::list(&alerts.db, member.scope(), page.before()?, size as i64 + 1).await?;
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
    let channel = channels::get(&alerts.db, member.scope(), id_of(&path)?).await?;
    Ok(web::Json(shown(&alerts, member.scope(), &channel).await?))
}

/// Creates a channel. The answer to a webhook without a secret shows the one that was made, this once.
///
/// # Errors
/// 409 `name_taken`, 422 `invalid`; e-mail goes to members of the organization only.
async fn create(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    body: web::Json<ChannelRequest>,
) -> Result<(web::Json<Channel>, StatusCode), ApiError> {
    let ChannelRequest { name, kind, config } = body.into_inner();
    let name = channels::checked_name(&name)?;
    let has_secret = config.get("secret").and_then(Value::as_str).is_some_and(|secret| !secret.is_empty());
    let config = ChannelConfig::parse(kind, config, None)?;
    refuse_undeliverable(&alerts, editor.scope(), &config).await?;
    let channel = channels::insert(&alerts.db, editor.scope(), name, config).await?;
    let mut answer = shown(&alerts, editor.scope(), &channel).await?;
    if let (ChannelConfig::Webhook { secret, .. }, false) = (&channel.config, has_secret) {
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
    path: web::Path<String>,
    body: web::Json<ChannelChange>,
) -> Result<web::Json<Channel>, ApiError> {
    let ChannelChange { name, kind, config } = body.into_inner();
    let mut channel = channels::get(&alerts.db, editor.scope(), id_of(&path)?).await?;
    if let Some(name) = name {
        channel.name = channels::checked_name(&name)?;
    }
    if config.is_some() || kind.is_some_and(|kind| kind != channel.kind) {
        let kind = kind.unwrap_or(channel.kind);
        let config = config.unwrap_or_else(|| json!({}));
        channel.config = ChannelConfig::parse(kind, config, Some(&channel.config))?;
        channel.kind = kind;
        refuse_undeliverable(&alerts, editor.scope(), &channel.config).await?;
    }
    channels::update(&alerts.db, editor.scope(), &channel).await?;
    Ok(web::Json(shown(&alerts, editor.scope(), &channel).await?))
}

/// # Errors
/// 409 `channel_in_use` with the rules that use it.
async fn delete(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    channels::delete(&alerts.db, editor.scope(), id_of(&path)?).await?;
    Ok(NoContent)
}

/// Sends a made-up notification at once, and tells what became of it.
///
/// # Errors
/// 422 `delivery_failed` with the other side's answer.
async fn test(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    path: web::Path<String>,
) -> Result<web::Json<Value>, ApiError> {
    let channel = channels::get(&alerts.db, editor.scope(), id_of(&path)?).await?;
    let mut answers = Vec::new();
    for address in channel.addresses() {
        let job =
            Job::to_channel(*editor.scope(), Uuid::now_v7(), &channel, address, notice::example(now_us()));
        let answer = alerts.outbox.notifier().send(&job).await;
        answers.push(answer.map_err(|error| AlertError::TestFailed(error.to_string()))?);
    }
    Ok(web::Json(json!({ "delivered": true, "detail": answers.join("; ") })))
}

/// E-mail is for members: nobody can make this service write to strangers. Other kinds cannot be delivered yet, so they are refused.
async fn refuse_undeliverable(
    alerts: &Alerts,
    scope: &TenantScope,
    config: &ChannelConfig,
) -> Result<(), AlertError> {
    let ChannelConfig::Email { to } = config else {
        let detail = "Only e-mail channels can be made so far.";
        return Err(InvalidFields::one("kind", "not_available", detail).into());
    };
    for address in to {
        if channels::member_by_address(&alerts.db, scope, address).await?.is_none() {
            let detail = format!("{address} is not a member of this organization. Invite them first.");
            return Err(InvalidFields::one("config.to", "not_a_member", &detail).into());
        }
    }
    Ok(())
}

/// The channel as the API shows it, with the addresses that still have to be confirmed.
async fn shown(alerts: &Alerts, scope: &TenantScope, channel: &StoredChannel) -> Result<Channel, AlertError> {
    let mut shown = channel.to_wire();
    if let ChannelConfig::Email { to } = &channel.config {
        let mut unverified = Vec::new();
        for address in to {
            let member = channels::member_by_address(&alerts.db, scope, address).await?;
            if member.is_none_or(|member| member.email_verified_at.is_none()) {
                unverified.push(address);
            }
        }
        shown.config["unverified"] = json!(unverified);
    }
    Ok(shown)
}
