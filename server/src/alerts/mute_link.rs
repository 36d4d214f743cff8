//! The link in a message that silences its alert: it needs no account, works for a week, and asks before it does anything.

use super::notify::MuteLink;
use super::store::StoredRule;
use super::{AlertError, Alerts};
use crate::audit::{Actor, Auditor, Target};
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use crate::sight::Sight;
use crate::tenant::TenantScope;
use crate::time::{HOUR_US, rfc3339};
use actix_web::web;
use api_types::alerts::{MuteLinkRequest, MuteLinkView};
use serde_json::json;

/// For longer one signs in.
const MOST_HOURS: u32 = 24;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/mute-links").post(on_main(follow)));
}

/// Says what a link would silence; with `hours` it does so. Needs no credentials but the link itself.
///
/// # Errors
/// 422 `link_invalid`: cut off, too old, or its rule is gone.
async fn follow(
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    body: web::Json<MuteLinkRequest>,
) -> Result<web::Json<MuteLinkView>, ApiError> {
    let now = alerts.clock.now();
    let link = MuteLink::parse(&body.token, &alerts.sealer, now).map_err(|_| AlertError::LinkInvalid)?;
    let scope = TenantScope::of_job(link.organization_id);
    if let Some(hours) = body.hours {
        if hours > MOST_HOURS {
            let detail = format!("At most {MOST_HOURS}; sign in to mute for longer.");
            return Err(InvalidFields::one("hours", "out_of_range", &detail).into());
        }
        let rule = rule_of(&alerts, &scope, &link).await?;
        let mut mutes = rule.mutes;
        let until = (hours > 0).then(|| now + i64::from(hours) * HOUR_US);
        mutes.set(&link.group, until, now);
        alerts.store.set_mutes(&scope, link.rule_id, &mutes).await?;
        let target = Target::of(link.rule_id, &rule.definition.wire.name);
        let detail = json!({"group": link.group, "until": until.map(rfc3339), "by": "the link in a message"});
        auditor.record_as(scope, Actor::System, "alert_rule.muted", target, detail).await;
    }
    let rule = rule_of(&alerts, &scope, &link).await?;
    let until = match link.group.as_str() {
        "" => rule.mutes.rule_until_us,
        group => rule.mutes.groups_until_us.get(group).copied().max(rule.mutes.rule_until_us),
    };
    Ok(web::Json(MuteLinkView {
        rule_name: rule.definition.wire.name.clone(),
        group: link.group,
        state: rule.state,
        muted_until: until.filter(|until| *until > now).map(rfc3339),
    }))
}

async fn rule_of(alerts: &Alerts, scope: &TenantScope, link: &MuteLink) -> Result<StoredRule, AlertError> {
    match alerts.store.get(&Sight::whole(*scope), link.rule_id).await {
        Err(AlertError::NotFound) => Err(AlertError::LinkInvalid),
        other => other,
    }
}
