//! What was sent where, and what could not be: the delivery log, and its dead letters that somebody may send once more.

use super::AlertError;
use super::http::{PageQuery, id_of, page_of};
use super::notice::Notice;
use super::{Alerts, history};
use crate::audit::{Auditor, Target};
use crate::auth::{Editor, Member, Viewer};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::on;
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use crate::time::{Micros, rfc3339};
use actix_web::web;
use api_types::List;
use api_types::alerts::LoggedNotification;
use serde::Deserialize;
use uuid::Uuid;

crate::statements! {
    LOG = "SELECT id, event_id, recipient_id, recipient_name, address, state, attempts, next_attempt_at, last_error, sent_at, \
        rule_id, payload, created_at FROM alert_outbox \
        WHERE organization_id = $1 AND id < $2 AND (state = $3 OR $3 IS NULL) AND (recipient_id = $4 OR $4 IS NULL) \
        ORDER BY id DESC LIMIT $5";
    ATTEMPTS = "SELECT outbox_id, at, took_ms, outcome, detail FROM alert_deliveries \
        WHERE organization_id = $1 AND outbox_id >= $2 AND outbox_id <= $3 ORDER BY outbox_id, attempt";
    SEND_AGAIN = "UPDATE alert_outbox SET state = 'queued', next_attempt_at = $3, claimed_until = 0, digest_id = NULL, gathers = FALSE \
        WHERE organization_id = $1 AND id = $2 AND state = 'failed'";
    EXISTS = "SELECT COUNT(*) FROM alert_outbox WHERE organization_id = $1 AND id = $2";
}

const STATES: [&str; 3] = ["queued", "sent", "failed"];

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/notifications").get(on_main(list)))
        .service(web::resource("/api/v1/notifications/{id}/retry").post(on_main(retry)));
}

#[derive(Debug, Deserialize)]
struct LogQuery {
    state: Option<String>,
    channel_id: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(sqlx::FromRow)]
struct LogRow {
    #[sqlx(flatten)]
    notification: history::NotificationRow,
    rule_id: Uuid,
    payload: String,
    created_at: Micros,
}

/// The organization's notifications with their attempts, newest first; `state=failed` are those that were given up.
///
/// # Errors
/// 422 `invalid` for a state that there is not.
async fn list(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    query: web::Query<LogQuery>,
) -> Result<web::Json<List<LoggedNotification>>, ApiError> {
    let LogQuery { state, channel_id, limit, cursor } = query.into_inner();
    let page = PageQuery { limit, cursor };
    let state = state.filter(|state| !state.is_empty());
    if state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(InvalidFields::one("state", "invalid", "One of queued, sent, failed.").into());
    }
    let channel = channel_id.filter(|id| !id.is_empty()).as_deref().map(id_of).transpose()?;
    let rows =
        read(&alerts.db, member.scope(), page.before()?, state, channel, page.size() as i64 + 1).await?;
    let (items, next_cursor) = page_of(rows, page.size(), |logged| logged.notification.id.clone());
    Ok(web::Json(List { items, next_cursor }))
}

async fn read(
    db: &Db,
    scope: &TenantScope,
    before: Option<Uuid>,
    state: Option<String>,
    channel: Option<Uuid>,
    limit: i64,
) -> Result<Vec<LoggedNotification>, AlertError> {
    let rows: Vec<LogRow> = on!(db.read(), pool => sqlx::query_as(LOG)
        .bind(scope.organization_id()).bind(before.unwrap_or(Uuid::max())).bind(state).bind(channel).bind(limit)
        .fetch_all(pool).await)
    .map_err(AlertError::store("list notifications"))?;
    let ids = rows.iter().map(|row| row.notification.id);
    let (Some(oldest), Some(newest)) = (ids.clone().min(), ids.max()) else { return Ok(Vec::new()) };
    let attempts: Vec<history::DeliveryRow> = on!(db.read(), pool => sqlx::query_as(ATTEMPTS)
        .bind(scope.organization_id()).bind(oldest).bind(newest).fetch_all(pool).await)
    .map_err(AlertError::store("list deliveries"))?;
    let mut attempts = history::by_notification(attempts);
    let logged = |row: LogRow| {
        let deliveries = attempts.remove(&row.notification.id).unwrap_or_default();
        let notice: Option<Notice> = serde_json::from_str(&row.payload).ok();
        LoggedNotification {
            rule_id: row.rule_id.to_string(),
            rule_name: notice.as_ref().map(|notice| notice.rule_name.clone()).unwrap_or_default(),
            title: notice.map(|notice| notice.subject()).unwrap_or_default(),
            created_at: rfc3339(row.created_at),
            notification: row.notification.to_wire(deliveries),
        }
    };
    Ok(rows.into_iter().map(logged).collect())
}

/// Tries a notification once more that was given up; one that waits or was sent stays as it is.
async fn retry(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let (organization, id) = (editor.scope().organization_id(), id_of(&path)?);
    let known: i64 = on!(alerts.db.read(), pool => sqlx::query_scalar(EXISTS)
        .bind(organization).bind(id).fetch_one(pool).await)
    .map_err(AlertError::store("look for a notification"))?;
    if known == 0 {
        return Err(AlertError::NotFound.into());
    }
    on!(alerts.db.write(), pool => sqlx::query(SEND_AGAIN)
        .bind(organization).bind(id).bind(alerts.clock.now()).execute(pool).await.map(|_| ()))
    .map_err(AlertError::store("send a notification again"))?;
    alerts.outbox.wake();
    auditor.record("notification.sent_again", Target::of(id, ""), serde_json::json!({})).await;
    Ok(NoContent)
}
