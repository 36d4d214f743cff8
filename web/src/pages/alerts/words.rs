//! Rules and states in words, the same on every page.

use crate::components::{Badge, BadgeKind};
use crate::{browser, format};
use api_types::alerts::{AlertRule, AlertRuleRequest, Severity};
use leptos::prelude::*;

/// `errors > 10 within 5m`
pub fn condition(rule: &AlertRuleRequest) -> String {
    let value = rule.value.as_deref().filter(|value| !value.is_empty()).unwrap_or("count");
    let threshold = format::number(rule.condition.threshold);
    match rule.condition.op.as_str() {
        "change_pct" => return format!("{value} changes by more than {threshold} % within {}", rule.window),
        "anomaly" => return format!("{value} is an anomaly (score > {threshold}) within {}", rule.window),
        "new" => return format!("{value} > {threshold} for the first time within {}", rule.window),
        _ => {}
    }
    let sign = match rule.condition.op.as_str() {
        ">=" => "≥",
        "<=" => "≤",
        "!=" => "≠",
        "==" => "=",
        op => op,
    };
    format!("{value} {sign} {threshold} within {}", rule.window)
}

pub fn value(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), format::number)
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

fn state_look(state: &str) -> (BadgeKind, String) {
    match state {
        "ok" => (BadgeKind::Good, "OK".into()),
        "pending" => (BadgeKind::Warning, "Pending".into()),
        "firing" => (BadgeKind::Bad, "Firing".into()),
        "no_data" => (BadgeKind::Quiet, "No data".into()),
        "error" => (BadgeKind::Bad, "Error".into()),
        other => (BadgeKind::Quiet, other.replace('_', " ")),
    }
}

#[component]
pub fn StateBadge(#[prop(into)] state: String) -> impl IntoView {
    let (kind, name) = state_look(&state);
    view! { <Badge kind>{name}</Badge> }
}

/// The state of a rule as a whole: a rule that is off has none.
#[component]
pub fn RuleState(rule: AlertRule) -> impl IntoView {
    let muted = rule.muted_until.is_some();
    view! {
        <span class="row">
            {if rule.definition.enabled {
                view! { <StateBadge state=rule.state/> }.into_any()
            } else {
                view! { <Badge kind=BadgeKind::Quiet>"Off"</Badge> }.into_any()
            }}
            {muted.then(|| view! { <Badge kind=BadgeKind::Quiet plain=true>"muted"</Badge> })}
        </span>
    }
}

/// A time as its field holds it, in the zone in which times are shown, as the server takes it.
pub fn shown_to_rfc3339(text: &str) -> Option<String> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let ms = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    let minutes = if crate::chart::is_utc() { 0 } else { browser::zone_offset_minutes(ms) };
    Some(format::rfc3339(ms - minutes * 60_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_reads_as_a_sentence() {
        let mut rule: AlertRuleRequest =
            serde_json::from_str(r#"{"name":"a","query":"b","condition":{"op":">=","threshold":1500}}"#)
                .expect("a rule");
        assert_eq!(condition(&rule), "count ≥ 1,500 within 5m");
        rule.value = Some("p95".into());
        assert_eq!(condition(&rule), "p95 ≥ 1,500 within 5m");
    }
}
