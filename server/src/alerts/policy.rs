//! An organization's rules about its notifications: routes by severity and label, quiet hours, maintenance windows.
//!
//! Routes add channels to those that a rule names. During quiet hours notifications wait and leave at their end, in order. During
//! maintenance rules are evaluated and nobody is told; what still fires at the end is told then.

use super::definition::Definition;
use super::{AlertError, Alerts};
use crate::audit::{Auditor, Target};
use crate::auth::{Editor, Member, Viewer};
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::on;
use crate::runtime::on_main;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us};
use actix_web::web;
use alert_rules::Mutes;
use api_types::alerts::{Maintenance, NotificationPolicy, QuietHours, Severity};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use moka::future::Cache;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

const ENTRIES: usize = 50;
const MOST_SINGLE_MESSAGES: u32 = 1_000;
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

crate::statements! {
    GET = "SELECT policy FROM notification_policies WHERE organization_id = $1";
    PUT = "INSERT INTO notification_policies (organization_id, policy, updated_at) VALUES ($1, $2, $3) \
        ON CONFLICT (organization_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at";
}

/// The policies of all organizations, remembered for some seconds; cheap to clone.
#[derive(Clone)]
pub struct Policies {
    db: Db,
    known: Cache<Uuid, NotificationPolicy>,
}

impl Policies {
    #[must_use]
    pub fn new(db: Db) -> Self {
        let known = Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(5)).build();
        Self { db, known }
    }

    /// # Errors
    /// The database does not answer.
    pub async fn of(&self, scope: &TenantScope) -> Result<NotificationPolicy, AlertError> {
        let organization = scope.organization_id();
        if let Some(policy) = self.known.get(&organization).await {
            return Ok(policy);
        }
        let stored: Option<String> = on!(self.db.read(), pool => sqlx::query_scalar(GET)
            .bind(organization).fetch_optional(pool).await)
        .map_err(AlertError::store("read the notification policy"))?;
        let policy: NotificationPolicy = match stored {
            None => NotificationPolicy::default(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| AlertError::Unreadable { id: organization, source: error.into() })?,
        };
        self.known.insert(organization, policy.clone()).await;
        Ok(policy)
    }

    async fn put(&self, scope: &TenantScope, policy: &NotificationPolicy) -> Result<(), AlertError> {
        let text = serde_json::to_string(policy).expect("a policy is text");
        on!(self.db.write(), pool => sqlx::query(PUT)
            .bind(scope.organization_id()).bind(text).bind(now_us()).execute(pool).await.map(|_| ()))
        .map_err(AlertError::store("change the notification policy"))?;
        self.known.invalidate(&scope.organization_id()).await;
        Ok(())
    }
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/notification-policy").get(on_main(get)).put(on_main(put)));
}

async fn get(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
) -> Result<web::Json<NotificationPolicy>, ApiError> {
    Ok(web::Json(alerts.policies.of(member.scope()).await?))
}

/// Replaces the policy. Nodes follow within five seconds.
///
/// # Errors
/// 422 `invalid` with every field that is not acceptable.
async fn put(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    body: web::Json<NotificationPolicy>,
) -> Result<web::Json<NotificationPolicy>, ApiError> {
    let (scope, policy) = (editor.scope(), body.into_inner());
    check(&policy)?;
    let named = policy.routes.iter().flat_map(|route| &route.channel_ids);
    let named: Vec<&String> =
        named.chain(policy.quiet_hours.iter().flat_map(|quiet| &quiet.channel_ids)).collect();
    for id in named {
        let found = match Uuid::parse_str(id) {
            Ok(id) => !alerts.channels.of_ids(scope, &[id]).await?.is_empty(),
            Err(_) => false,
        };
        if !found {
            let detail = format!("There is no channel with the id {id}.");
            return Err(InvalidFields::one("channel_ids", "unknown", &detail).into());
        }
    }
    let before = alerts.policies.of(scope).await?;
    alerts.policies.put(scope, &policy).await?;
    let detail = serde_json::json!({"from": before, "to": policy});
    auditor.record("notification_policy.changed", Target::none(), detail).await;
    Ok(web::Json(policy))
}

/// Whether a route or quiet hours name the channel.
#[must_use]
pub fn names(policy: &NotificationPolicy, channel: Uuid) -> bool {
    let routes = policy.routes.iter().flat_map(|route| &route.channel_ids);
    let quiet = policy.quiet_hours.iter().flat_map(|quiet| &quiet.channel_ids);
    routes.chain(quiet).any(|id| *id == channel.to_string())
}

fn check(policy: &NotificationPolicy) -> Result<(), InvalidFields> {
    let most = policy.routes.len().max(policy.quiet_hours.len()).max(policy.maintenance.len());
    if most > ENTRIES {
        return Err(InvalidFields::one("", "too_many", &format!("At most {ENTRIES} of each.")));
    }
    if policy.digest_after > MOST_SINGLE_MESSAGES {
        let detail = format!("At most {MOST_SINGLE_MESSAGES}; 0 never makes a digest.");
        return Err(InvalidFields::one("digest_after", "out_of_range", &detail));
    }
    if policy.routes.iter().any(|route| route.channel_ids.is_empty()) {
        return Err(InvalidFields::one("routes", "required", "Each route needs a channel to lead to."));
    }
    for quiet in &policy.quiet_hours {
        let wrong = |detail: &str| InvalidFields::one("quiet_hours", "invalid", detail);
        let times = (quiet.from.parse::<Time>(), quiet.to.parse::<Time>());
        match times {
            (Ok(from), Ok(to)) if from != to => {}
            _ => return Err(wrong("`from` and `to` are two times of day such as 22:00.")),
        }
        TimeZone::get(&quiet.time_zone)
            .map_err(|_| wrong("`time_zone` is a name such as Europe/Berlin or UTC."))?;
        if quiet.days.iter().any(|day| !DAYS.iter().any(|(name, _)| name == day)) {
            return Err(wrong("`days` are any of mon, tue, wed, thu, fri, sat, sun; all when empty."));
        }
    }
    for window in &policy.maintenance {
        match (window.from.parse::<Timestamp>(), window.to.parse::<Timestamp>()) {
            (Ok(from), Ok(to)) if from < to => {}
            _ => {
                let detail = "`from` and `to` are times such as 2026-03-10T18:00:00Z, one after the other.";
                return Err(InvalidFields::one("maintenance", "invalid", detail));
            }
        }
    }
    Ok(())
}

/// The channels that a rule's notifications go to: its own, then those of every route that it matches.
#[must_use]
pub fn channel_ids(policy: &NotificationPolicy, definition: &Definition) -> Vec<Uuid> {
    let wire = &definition.wire;
    let matches = |severities: &[Severity], labels: &BTreeMap<String, String>| {
        (severities.is_empty() || severities.contains(&wire.severity)) && has_labels(&wire.labels, labels)
    };
    let mut ids = definition.channel_ids.clone();
    let routed = policy.routes.iter().filter(|route| matches(&route.severities, &route.labels));
    for id in routed.flat_map(|route| &route.channel_ids).filter_map(|id| Uuid::parse_str(id).ok()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn has_labels(of_rule: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| of_rule.get(name) == Some(value))
}

/// A rule's mutes, with the maintenance that it is under.
#[must_use]
pub fn mutes(
    policy: &NotificationPolicy,
    rule_id: Uuid,
    definition: &Definition,
    own: &Mutes,
    now: Micros,
) -> Mutes {
    let concerns = |window: &&Maintenance| {
        let is_named =
            window.rule_ids.is_empty() || window.rule_ids.iter().any(|id| *id == rule_id.to_string());
        is_named && has_labels(&definition.wire.labels, &window.labels)
    };
    let until = policy.maintenance.iter().filter(concerns).filter_map(|window| {
        let from: Timestamp = window.from.parse().ok()?;
        let to: Timestamp = window.to.parse().ok()?;
        (from.as_microsecond()..to.as_microsecond()).contains(&now).then_some(to.as_microsecond())
    });
    Mutes { rule_until_us: own.rule_until_us.max(until.max()), ..own.clone() }
}

/// Until when a notification to a channel waits, if it is quiet there now.
#[must_use]
pub fn held_until(
    policy: &NotificationPolicy,
    channel: Uuid,
    severity: Severity,
    now: Micros,
) -> Option<Micros> {
    let concerns = |quiet: &&QuietHours| {
        let is_named = quiet.channel_ids.is_empty() || quiet.channel_ids.contains(&channel.to_string());
        is_named && !quiet.except.contains(&severity)
    };
    policy.quiet_hours.iter().filter(concerns).filter_map(|quiet| end_of(quiet, now)).max()
}

/// The end of the quiet hours that `now` lies in: begun today, or yesterday and reaching over midnight.
fn end_of(quiet: &QuietHours, now: Micros) -> Option<Micros> {
    let zone = TimeZone::get(&quiet.time_zone).ok()?;
    let (from, to): (Time, Time) = (quiet.from.parse().ok()?, quiet.to.parse().ok()?);
    let at = Timestamp::from_microsecond(now).ok()?;
    let today = at.to_zoned(zone.clone()).date();
    [today, today.yesterday().ok()?].into_iter().find_map(|day| {
        let is_day = |(name, weekday): &(&str, Weekday)| {
            *weekday == day.weekday() && quiet.days.iter().any(|wanted| wanted == name)
        };
        if !quiet.days.is_empty() && !DAYS.iter().any(is_day) {
            return None;
        }
        let last = if to > from { day } else { day.checked_add(1.day()).ok()? };
        let begin = day.to_datetime(from).to_zoned(zone.clone()).ok()?.timestamp();
        let end = last.to_datetime(to).to_zoned(zone.clone()).ok()?.timestamp();
        (begin <= at && at < end).then(|| end.as_microsecond())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::channel_config::ChannelConfig;
    use crate::alerts::receiver::Receiver;
    use crate::alerts::testing::{World, databases};
    use crate::time::{HOUR_US, MINUTE_US, rfc3339};
    use serde_json::{Value, json};

    fn policy(value: Value) -> NotificationPolicy {
        serde_json::from_value(value).unwrap()
    }

    fn us(text: &str) -> Micros {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn quiet_hours_hold_until_their_end_in_their_zone() {
        let nights =
            policy(json!({"quiet_hours": [{"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}]}));
        let held = |at: &str, severity| held_until(&nights, Uuid::nil(), severity, us(at)).map(rfc3339);
        // Berlin is an hour ahead of UTC in winter
        assert_eq!(held("2026-01-10T20:59:59Z", Severity::Info), None);
        assert_eq!(held("2026-01-10T21:00:00Z", Severity::Info).as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(held("2026-01-11T05:59:59Z", Severity::Warning).as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(held("2026-01-11T06:00:00Z", Severity::Info), None);
        assert_eq!(held("2026-01-10T23:00:00Z", Severity::Critical), None, "what is critical never waits");
    }

    #[test]
    fn a_quiet_weekend_belongs_to_the_days_on_which_it_begins() {
        let weekend = policy(json!({"quiet_hours": [
            {"from": "18:00", "to": "08:00", "time_zone": "UTC", "days": ["fri"], "except": []}
        ]}));
        let held = |at: &str| held_until(&weekend, Uuid::nil(), Severity::Critical, us(at)).is_some();
        // the 9th of January 2026 is a Friday
        assert!(held("2026-01-09T18:00:00Z") && held("2026-01-10T07:59:00Z"));
        assert!(!held("2026-01-10T18:00:00Z") && !held("2026-01-09T07:00:00Z"));
    }

    #[test]
    fn what_is_not_acceptable_is_refused() {
        for wrong in [
            json!({"routes": [{"channel_ids": []}]}),
            json!({"quiet_hours": [{"from": "25:00", "to": "07:00", "time_zone": "UTC"}]}),
            json!({"quiet_hours": [{"from": "22:00", "to": "22:00", "time_zone": "UTC"}]}),
            json!({"quiet_hours": [{"from": "22:00", "to": "07:00", "time_zone": "Mars"}]}),
            json!({"quiet_hours": [{"from": "22:00", "to": "07:00", "time_zone": "UTC", "days": ["Monday"]}]}),
            json!({"digest_after": 1_001}),
            json!({"maintenance": [{"name": "m", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}]}),
        ] {
            assert!(check(&policy(wrong.clone())).is_err(), "{wrong}");
        }
        assert!(check(&NotificationPolicy::default()).is_ok());
    }

    async fn world() -> (World, Receiver, String) {
        let (world, receiver) = (World::new(databases().await.remove(0)).await, Receiver::start().await);
        let config = ChannelConfig::Webhook { url: receiver.url.clone(), secret: "s".repeat(20), body: None };
        let channel = world.channel(config).await.id.to_string();
        (world, receiver, channel)
    }

    async fn set(world: &World, value: Value) {
        Policies::new(world.db.clone()).put(&world.scope, &policy(value)).await.unwrap();
    }

    #[tokio::test]
    async fn a_route_adds_its_channel_to_the_rules_that_match() {
        let (world, receiver, channel) = world().await;
        set(&world, json!({"routes": [{"severities": ["critical"], "labels": {"team": "shop"}, "channel_ids": [channel]}]})).await;
        let none: [&str; 0] = [];
        world.rule(json!({"name": "right", "severity": "critical", "labels": {"team": "shop", "a": "b"}, "channel_ids": none})).await;
        world.rule(json!({"name": "other team", "severity": "critical", "labels": {"team": "web"}, "channel_ids": none})).await;
        world.rule(json!({"name": "not critical", "labels": {"team": "shop"}, "channel_ids": none})).await;
        world.search.value(12.0);
        world.minute(0).await;
        let told: Vec<_> =
            receiver.received().iter().map(|request| request.json()["rule"]["name"].clone()).collect();
        assert_eq!(told, ["right"]);
    }

    #[tokio::test]
    async fn during_maintenance_nobody_is_told_and_what_still_fires_is_told_at_its_end() {
        let (world, receiver, channel) = world().await;
        let (from, to) = (rfc3339(world.start - HOUR_US), rfc3339(world.start + 3 * MINUTE_US));
        set(&world, json!({"maintenance": [{"name": "move", "from": from, "to": to}]})).await;
        let rule = world.rule(json!({"channel_ids": [channel]})).await;
        world.search.value(12.0);
        for minute in 0..3 {
            world.minute(minute).await;
        }
        assert_eq!((world.state(rule).await.as_str(), receiver.received().len()), ("firing", 0));
        world.minute(4).await;
        assert_eq!(receiver.received().len(), 1);
    }

    #[tokio::test]
    async fn quiet_hours_keep_messages_until_the_morning_in_order() {
        let (world, receiver, channel) = world().await;
        let clock = |us: Micros| rfc3339(us)[11..16].to_owned();
        let (from, to) = (clock(world.start - HOUR_US), clock(world.start + 2 * HOUR_US));
        set(&world, json!({"quiet_hours": [{"from": from, "to": to, "time_zone": "UTC"}]})).await;
        world.rule(json!({"channel_ids": [channel]})).await;
        for (minute, value) in [(0, 12.0), (1, 1.0)] {
            world.search.value(value);
            world.minute(minute).await;
        }
        assert_eq!(receiver.received().len(), 0);
        world.go_to(world.start + 2 * HOUR_US + MINUTE_US);
        world.send().await;
        let events: Vec<_> =
            receiver.received().iter().map(|request| request.json()["event"].clone()).collect();
        assert_eq!(events, ["fired", "resolved"]);
    }

    #[tokio::test]
    async fn a_target_that_comes_back_does_not_end_the_quiet_hours() {
        let (world, receiver, channel) = world().await;
        let clock = |us: Micros| rfc3339(us)[11..16].to_owned();
        let (from, to) = (clock(world.start - HOUR_US), clock(world.start + 2 * HOUR_US));
        set(&world, json!({"quiet_hours": [{"from": from, "to": to, "time_zone": "UTC"}]})).await;
        world.rule(json!({"name": "can wait", "channel_ids": [channel]})).await;
        world.rule(json!({"name": "cannot", "severity": "critical", "channel_ids": [channel]})).await;
        receiver.answer([503, 503]);
        world.search.value(12.0);
        for minute in 0..3 {
            world.minute(minute).await;
        }
        let told: Vec<_> =
            receiver.received().iter().map(|request| request.json()["rule"]["name"].clone()).collect();
        assert_eq!(told, ["cannot", "cannot", "cannot"]);
    }
}
