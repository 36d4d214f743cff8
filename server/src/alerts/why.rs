//! Why a rule did not fire, or did, at a time in the past: what was seen then, and what the same window holds now.

use super::store::StoredRule;
use super::{AlertError, Alerts, comparison, history};
use crate::time::{HOUR_US, Micros, rfc3339};
use alert_rules::{Condition, duration};
use api_types::alerts::{AlertEvaluation, AlertEvent, WhyAnswer};

/// # Errors
/// The database does not answer. A search that does not is one of the reasons.
pub async fn why(alerts: &Alerts, rule: &StoredRule, at: Micros) -> Result<WhyAnswer, AlertError> {
    let definition = &rule.definition;
    let found = history::evaluations(&alerts.db, &rule.scope, rule.id, Some(at + 1), 1).await?;
    // an evaluation says something of a time until the next one is due
    let then =
        found.into_iter().next().filter(|(slot, _)| at - slot <= definition.every_us.max(HOUR_US / 60));
    let slot = then.as_ref().map_or(at, |(slot, _)| *slot);
    let (from_us, to_us) = definition.schedule().window(slot, definition.window_us);
    let ask = definition.ask(&rule.sight(), rule.project_id, from_us, to_us);
    let now = comparison::evaluate(&alerts.searcher, definition, &ask).await;
    let condition = definition.rule(true).condition;
    let value_now = now.as_ref().ok().and_then(|evaluation| evaluation.worst(condition));
    let around = history::events_around(&alerts.db, &rule.scope, rule.id, slot).await?;
    let then = then.map(|(_, evaluation)| evaluation);
    let mut reasons = reasons(rule, then.as_ref(), value_now, condition);
    reasons.extend(around.iter().map(told));
    if let Err(failure) = now {
        reasons.push(format!("The window cannot be searched again now: {}", failure.reason));
    }
    Ok(WhyAnswer { at: rfc3339(at), from: rfc3339(from_us), to: rfc3339(to_us), then, value_now, reasons })
}

fn reasons(
    rule: &StoredRule,
    then: Option<&AlertEvaluation>,
    value_now: Option<f64>,
    condition: Condition,
) -> Vec<String> {
    let (wire, wanted) = (&rule.definition.wire, rule.definition.condition());
    let Some(then) = then else {
        return vec![
            "It was not evaluated at that time: the rule was off or not there yet, the server was away, or it is longer ago than \
             evaluations are kept (7 days)."
                .into(),
        ];
    };
    if let Some(error) = &then.detail {
        return vec![format!("It could not be evaluated: {error}")];
    }
    let is_bad = then.value.is_some_and(|value| condition.breaches(value));
    let mut reasons = vec![match then.value {
        None => "Nothing matched in the window, so there was no value.".to_owned(),
        Some(value) if is_bad => format!("The worst value was {value}, which meets the condition {wanted}."),
        Some(value) => format!("The worst value was {value}, which does not meet the condition {wanted}."),
    }];
    if !is_bad && value_now.is_some_and(|value| condition.breaches(value)) {
        let now = value_now.unwrap_or_default();
        reasons.push(format!(
            "Counted again, the same window gives {now}: events arrived later than the delay of {}. Set a longer delay, or let the rule \
             look again.",
            wire.delay
        ));
    }
    match then.state.as_str() {
        "pending" => reasons.push(format!("It had to hold for {} before it fires.", wire.for_)),
        "firing" => reasons.push("The rule was firing.".to_owned()),
        "ok" if is_bad && wire.windows.of > 1 => reasons.push(format!(
            "{} of the last {} windows must be bad, and fewer were.",
            wire.windows.needed, wire.windows.of
        )),
        _ => {}
    }
    if wire.channel_ids.is_empty() {
        reasons.push("The rule names no channel, so nobody is told by it.".to_owned());
    }
    if rule.mutes.rule_until_us.is_some() {
        reasons.push("The rule was muted at some time.".to_owned());
    }
    if wire.keep_firing_for != "0s"
        && duration::parse(&wire.keep_firing_for).is_ok()
        && then.state == "firing"
    {
        reasons.push(format!("It is resolved only after {} without trouble.", wire.keep_firing_for));
    }
    reasons
}

fn told(event: &AlertEvent) -> String {
    let group = if event.group.is_empty() { String::new() } else { format!(" ({})", event.group) };
    let sent = event.notifications.iter().filter(|each| each.state == "sent").count();
    let notices = match (event.notifications.len(), sent) {
        (0, _) => "nobody was told".to_owned(),
        (all, sent) => format!("{sent} of {all} notifications were delivered"),
    };
    format!(
        "At {} it went from {} to {}{group}: {}; {notices}.",
        event.at, event.from_state, event.to_state, event.reason
    )
}
