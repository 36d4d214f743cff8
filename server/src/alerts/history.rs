//! What happened to rules: transitions with their notifications and deliveries, and every evaluation.

use super::AlertError;
use super::channels::StoredChannel;
use super::evaluate::Lines;
use super::notice::{GroupLine, Notice, SINGLE_MESSAGES, other_groups};
use super::policy::held_until;
use super::store::StoredRule;
use crate::db::Db;
use crate::on;
use crate::sight::{RowRule, Sight};
use crate::tenant::TenantScope;
use crate::time::{Micros, rfc3339};
use alert_rules::{Kind, Notify, RuleState, Transition};
use api_types::alerts::{self as wire, ChannelKind};
use std::collections::HashMap;
use uuid::Uuid;

crate::statements! {
    EVENTS = "SELECT id, rule_id, rule_name, group_key, kind, from_state, to_state, value, at, reason FROM alert_events \
        WHERE organization_id = $1 AND id < $2 AND (rule_id = $3 OR $3 IS NULL) AND (to_state = $4 OR $4 IS NULL) \
        AND (rule_id IN (SELECT r.id FROM alert_rules r WHERE r.organization_id = $1 AND r.row_rule = $6) OR $6 IS NULL) \
        ORDER BY id DESC LIMIT $5";
    NOTIFICATIONS = "SELECT id, event_id, recipient_id, recipient_name, address, state, attempts, next_attempt_at, last_error, sent_at \
        FROM alert_outbox WHERE organization_id = $1 AND event_id >= $2 AND event_id <= $3 ORDER BY id";
    DELIVERIES = "SELECT d.outbox_id, d.at, d.took_ms, d.outcome, d.detail FROM alert_deliveries d \
        JOIN alert_outbox o ON o.organization_id = d.organization_id AND o.id = d.outbox_id \
        WHERE o.organization_id = $1 AND o.event_id >= $2 AND o.event_id <= $3 ORDER BY d.outbox_id, d.attempt";
    LAST_EVENT_BEFORE = "SELECT id FROM alert_events WHERE organization_id = $1 AND rule_id = $2 AND at <= $3 ORDER BY id DESC LIMIT 1";
    RECENT_VALUES = "SELECT value FROM alert_evaluations WHERE rule_id = $1 ORDER BY slot DESC LIMIT 29";
    EVALUATIONS = "SELECT slot, evaluated_at, took_ms, state, value, group_count, detail FROM alert_evaluations \
        WHERE organization_id = $1 AND rule_id = $2 AND slot < $3 ORDER BY slot DESC LIMIT $4";
}

/// What an evaluation, or the end of a rule, adds to the history.
#[derive(Debug, Default)]
pub struct History {
    pub events: Vec<NewEvent>,
    pub notifications: Vec<NewNotification>,
}

#[derive(Debug)]
pub struct NewEvent {
    pub id: Uuid,
    pub rule_id: Uuid,
    pub rule_name: String,
    pub transition: Transition,
}

#[derive(Debug)]
pub struct NewNotification {
    /// Its name towards the outside, for ever: Message-ID, `X-Notification-Id`.
    pub id: Uuid,
    pub event_id: Uuid,
    pub rule_id: Uuid,
    pub episode: u64,
    /// `2-resolved`: with rule and episode it names the transition.
    pub transition: String,
    pub recipient: Recipient,
    /// A `Notice` as JSON.
    pub payload: String,
    /// When it may leave.
    pub at: Micros,
    /// Whether it may be told together with others: a person reads it.
    pub gathers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientKind {
    Channel,
    /// A member of the organization, by e-mail.
    Member,
}

impl RecipientKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Member => "member",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Recipient {
    pub kind: RecipientKind,
    /// Whether a person reads it, who would rather have one message than many.
    pub is_read: bool,
    pub id: Uuid,
    pub name: String,
    /// Of one mail; empty for other kinds of channels, and for a member, whose address is looked up when the mail leaves.
    pub address: String,
}

/// What the notices of one evaluation have in common.
pub struct Context<'a> {
    pub rule: &'a StoredRule,
    pub channels: &'a [StoredChannel],
    /// After the evaluation.
    pub memory: &'a RuleState,
    pub column: &'a str,
    pub from_us: Micros,
    pub to_us: Micros,
    /// Sample lines and the query that finds them, by group; under `""` for several groups together.
    pub lines: &'a HashMap<String, Lines>,
    /// The values of the evaluations before, oldest first.
    pub recent: &'a [Option<f64>],
    pub policy: &'a wire::NotificationPolicy,
}

impl History {
    /// Every transition becomes an event; those that somebody is told of become notifications, several groups at once in one message
    /// where a person reads it.
    #[must_use]
    pub fn of(transitions: &[Transition], context: &Context<'_>) -> Self {
        let (rule, mut history) = (context.rule, Self::default());
        for transition in transitions {
            let (rule_name, transition) = (rule.definition.wire.name.clone(), transition.clone());
            history.events.push(NewEvent { id: Uuid::now_v7(), rule_id: rule.id, rule_name, transition });
        }
        let ids: Vec<_> = history.events.iter().map(|event| event.id).collect();
        let numbered: Vec<_> = ids.into_iter().zip(transitions).collect();
        for told in by_kind(&numbered) {
            history.tell(told, context);
        }
        history
    }

    fn tell(&mut self, told: Vec<(Uuid, &Transition)>, context: &Context<'_>) {
        if matches!(told[0].1.kind, Kind::Failed | Kind::Restored) {
            self.tell_owner(&told, context);
            return;
        }
        for channel in context.channels {
            let may =
                |notify: Notify| notify == Notify::Yes || (notify == Notify::Muted && channel.hears_muted());
            let heard: Vec<_> = told.iter().filter(|(_, each)| may(each.notify)).copied().collect();
            let together = heard.len() > SINGLE_MESSAGES && channel.kind != ChannelKind::Pagerduty;
            let size = if together { heard.len() } else { 1 };
            for part in heard.chunks(size.max(1)) {
                for address in channel.addresses() {
                    let (kind, name) = (RecipientKind::Channel, channel.name.clone());
                    let is_read = matches!(channel.kind, ChannelKind::Email | ChannelKind::Slack);
                    self.push(part, Recipient { kind, is_read, id: channel.id, name, address }, context);
                }
            }
        }
    }

    fn tell_owner(&mut self, told: &[(Uuid, &Transition)], context: &Context<'_>) {
        if let Some(owner) = context.rule.created_by {
            let (kind, name) = (RecipientKind::Member, "the rule's author".to_owned());
            let recipient = Recipient { kind, is_read: true, id: owner, name, address: String::new() };
            for one in told.iter().filter(|(_, each)| each.notify == Notify::Yes) {
                self.push(&[*one], recipient.clone(), context);
            }
        }
    }

    fn push(&mut self, part: &[(Uuid, &Transition)], recipient: Recipient, context: &Context<'_>) {
        let (event_id, first) = part[0];
        let transitions: Vec<&Transition> = part.iter().map(|(_, transition)| *transition).collect();
        let notice = notice(&transitions, context);
        let held = match recipient.kind {
            RecipientKind::Channel => held_until(context.policy, recipient.id, notice.severity, first.at_us),
            RecipientKind::Member => None,
        };
        self.notifications.push(NewNotification {
            id: Uuid::now_v7(),
            event_id,
            rule_id: context.rule.id,
            episode: first.episode,
            transition: format!("{}-{}", first.number, first.kind.as_str()),
            gathers: recipient.is_read,
            recipient,
            payload: serde_json::to_string(&notice).expect("a notice is strings and finite numbers"),
            at: held.unwrap_or(first.at_us),
        });
    }
}

/// Transitions of which somebody may have to be told, those of one kind together.
fn by_kind<'a>(transitions: &[(Uuid, &'a Transition)]) -> Vec<Vec<(Uuid, &'a Transition)>> {
    let mut kinds: Vec<Vec<(Uuid, &Transition)>> = Vec::new();
    for (id, transition) in transitions.iter().filter(|(_, each)| each.notify != Notify::No) {
        match kinds.iter_mut().find(|kind| kind[0].1.kind == transition.kind) {
            Some(kind) => kind.push((*id, transition)),
            None => kinds.push(vec![(*id, transition)]),
        }
    }
    kinds
}

fn notice(transitions: &[&Transition], context: &Context<'_>) -> Notice {
    let (rule, wire, first) = (context.rule, &context.rule.definition.wire, transitions[0]);
    let about: Vec<_> = transitions
        .iter()
        .map(|each| GroupLine {
            group: each.group.clone(),
            state: each.to,
            value: each.value,
            since_us: context.memory.groups.get(&each.group).map_or(each.at_us, |group| group.since_us),
            episode: each.episode,
        })
        .collect();
    let (others, others_more) = other_groups(context.memory, &about, &rule.definition);
    let newest = newest(&about, rule);
    let group = if about.len() == 1 { about[0].group.as_str() } else { "" };
    let lines = context.lines.get(group).cloned().unwrap_or_default();
    Notice {
        kind: first.kind,
        rule_id: rule.id,
        rule_name: wire.name.clone(),
        organization: rule.organization.clone(),
        severity: wire.severity,
        labels: wire.labels.clone(),
        query: wire.query.clone(),
        lines_query: if lines.query.is_empty() { wire.query.clone() } else { lines.query },
        column: context.column.to_owned(),
        condition: rule.definition.condition(),
        window: wire.window.clone(),
        reason: first.reason.clone(),
        at_us: first.at_us,
        from_us: context.from_us,
        to_us: context.to_us,
        about,
        others,
        others_more: others_more + context.memory.groups_left_out,
        samples: lines.samples,
        recent: context.recent.iter().copied().chain([newest]).collect(),
        bad: Some(rule.definition.rule(true).condition),
        runbook_url: wire.runbook_url.clone().filter(|url| !url.is_empty()),
        message: wire.message.clone().filter(|message| !message.trim().is_empty()),
    }
}

/// The worst of the groups that a message is about.
fn newest(about: &[GroupLine], rule: &StoredRule) -> Option<f64> {
    let condition = rule.definition.rule(true).condition;
    about.iter().filter_map(|group| group.value).reduce(|one, other| condition.worse(one, other))
}

/// The values of a rule's last evaluations, oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn recent_values(db: &Db, rule_id: Uuid) -> Result<Vec<Option<f64>>, AlertError> {
    let mut values: Vec<Option<f64>> = on!(db.read(), pool => sqlx::query_scalar(RECENT_VALUES)
        .bind(rule_id).fetch_all(pool).await)
    .map_err(AlertError::store("read a rule's last values"))?;
    values.reverse();
    Ok(values)
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: Uuid,
    rule_id: Uuid,
    rule_name: String,
    group_key: String,
    kind: String,
    from_state: String,
    to_state: String,
    value: Option<f64>,
    at: Micros,
    reason: String,
}

#[derive(sqlx::FromRow)]
pub struct NotificationRow {
    pub id: Uuid,
    event_id: Uuid,
    recipient_id: Uuid,
    recipient_name: String,
    address: String,
    state: String,
    attempts: i64,
    next_attempt_at: Option<Micros>,
    last_error: Option<String>,
    sent_at: Option<Micros>,
}

#[derive(sqlx::FromRow)]
pub struct DeliveryRow {
    outbox_id: Uuid,
    at: Micros,
    took_ms: i64,
    outcome: String,
    detail: String,
}

#[derive(sqlx::FromRow)]
struct EvaluationRow {
    slot: Micros,
    evaluated_at: Micros,
    took_ms: i64,
    state: String,
    value: Option<f64>,
    group_count: i64,
    detail: Option<String>,
}

/// Which events are wanted.
#[derive(Debug, Default)]
pub struct EventFilter {
    pub rule_id: Option<Uuid>,
    pub state: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// The organization's transitions, newest first, each with its notifications; for who has a row rule, those of rules that look
/// through the same.
///
/// # Errors
/// The database does not answer.
pub async fn events(
    db: &Db,
    sight: &Sight,
    filter: &EventFilter,
) -> Result<Vec<wire::AlertEvent>, AlertError> {
    let scope = sight.tenant();
    let rows: Vec<EventRow> = on!(db.read(), pool => sqlx::query_as(EVENTS)
        .bind(scope.organization_id()).bind(filter.before.unwrap_or(Uuid::max()))
        .bind(filter.rule_id).bind(filter.state.as_deref()).bind(filter.limit)
        .bind(sight.rule().map(RowRule::as_str))
        .fetch_all(pool).await)
    .map_err(AlertError::store("list alert events"))?;
    let (Some(newest), Some(oldest)) = (rows.first().map(|row| row.id), rows.last().map(|row| row.id)) else {
        return Ok(Vec::new());
    };
    let mut notifications = notifications(db, scope, oldest, newest).await?;
    let event = |row: EventRow| wire::AlertEvent {
        id: row.id.to_string(),
        rule_id: row.rule_id.to_string(),
        rule_name: row.rule_name,
        group: row.group_key,
        kind: row.kind,
        from_state: row.from_state,
        to_state: row.to_state,
        value: row.value,
        at: rfc3339(row.at),
        reason: row.reason,
        notifications: notifications.remove(&row.id).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(event).collect())
}

/// The last transitions of a rule that may be seen, up to a time, the latest first, at most three.
///
/// # Errors
/// The database does not answer.
pub async fn events_around(
    db: &Db,
    scope: &TenantScope,
    rule_id: Uuid,
    at: Micros,
) -> Result<Vec<wire::AlertEvent>, AlertError> {
    let last: Option<Uuid> = on!(db.read(), pool => sqlx::query_scalar(LAST_EVENT_BEFORE)
        .bind(scope.organization_id()).bind(rule_id).bind(at + crate::time::MINUTE_US)
        .fetch_optional(pool).await)
    .map_err(AlertError::store("look for the last transition"))?;
    let Some(last) = last else { return Ok(Vec::new()) };
    // ids are ordered by time: the one after `last` is the smallest that is larger
    let before = Uuid::from_u128(last.as_u128().saturating_add(1));
    let filter = EventFilter { rule_id: Some(rule_id), state: None, before: Some(before), limit: 3 };
    events(db, &Sight::whole(*scope), &filter).await
}

/// The notifications of the events between two ids, by event.
async fn notifications(
    db: &Db,
    scope: &TenantScope,
    oldest: Uuid,
    newest: Uuid,
) -> Result<HashMap<Uuid, Vec<wire::Notification>>, AlertError> {
    let rows: Vec<NotificationRow> = on!(db.read(), pool => sqlx::query_as(NOTIFICATIONS)
        .bind(scope.organization_id()).bind(oldest).bind(newest).fetch_all(pool).await)
    .map_err(AlertError::store("list notifications"))?;
    let attempts: Vec<DeliveryRow> = on!(db.read(), pool => sqlx::query_as(DELIVERIES)
        .bind(scope.organization_id()).bind(oldest).bind(newest).fetch_all(pool).await)
    .map_err(AlertError::store("list deliveries"))?;
    let mut deliveries = by_notification(attempts);
    let mut by_event: HashMap<Uuid, Vec<wire::Notification>> = HashMap::new();
    for row in rows {
        let attempts = deliveries.remove(&row.id).unwrap_or_default();
        by_event.entry(row.event_id).or_default().push(row.to_wire(attempts));
    }
    Ok(by_event)
}

/// Attempts by the notification that they are of.
pub fn by_notification(attempts: Vec<DeliveryRow>) -> HashMap<Uuid, Vec<wire::Delivery>> {
    let mut deliveries: HashMap<Uuid, Vec<wire::Delivery>> = HashMap::new();
    for row in attempts {
        deliveries.entry(row.outbox_id).or_default().push(wire::Delivery {
            at: rfc3339(row.at),
            took_ms: row.took_ms.unsigned_abs(),
            outcome: row.outcome,
            detail: row.detail,
        });
    }
    deliveries
}

impl NotificationRow {
    pub fn to_wire(&self, deliveries: Vec<wire::Delivery>) -> wire::Notification {
        wire::Notification {
            id: self.id.to_string(),
            channel_id: self.recipient_id.to_string(),
            channel_name: self.recipient_name.clone(),
            address: Some(self.address.clone()).filter(|address| !address.is_empty()),
            state: self.state.clone(),
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            sent_at: self.sent_at.map(rfc3339),
            next_attempt_at: self.next_attempt_at.map(rfc3339),
            last_error: self.last_error.clone(),
            deliveries,
        }
    }
}

/// A rule's evaluations, newest first, from before a slot.
///
/// # Errors
/// The database does not answer.
pub async fn evaluations(
    db: &Db,
    scope: &TenantScope,
    rule_id: Uuid,
    before: Option<Micros>,
    limit: i64,
) -> Result<Vec<(Micros, wire::AlertEvaluation)>, AlertError> {
    let rows: Vec<EvaluationRow> = on!(db.read(), pool => sqlx::query_as(EVALUATIONS)
        .bind(scope.organization_id()).bind(rule_id).bind(before.unwrap_or(Micros::MAX)).bind(limit)
        .fetch_all(pool).await)
    .map_err(AlertError::store("list evaluations"))?;
    let evaluation = |row: EvaluationRow| {
        let evaluation = wire::AlertEvaluation {
            slot: rfc3339(row.slot),
            evaluated_at: rfc3339(row.evaluated_at),
            took_ms: row.took_ms.unsigned_abs(),
            state: row.state,
            value: row.value,
            groups: row.group_count.unsigned_abs(),
            detail: row.detail,
        };
        (row.slot, evaluation)
    };
    Ok(rows.into_iter().map(evaluation).collect())
}
