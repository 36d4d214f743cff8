//! The fields of an alert while it is being edited, and the rule that they make.

use api_types::alerts::{AlertRuleRequest, Condition, NoData, Severity, Windows};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Every field as text, as forms hold it.
#[derive(Clone, Copy)]
pub struct RuleForm {
    pub name: RwSignal<String>,
    pub query: RwSignal<String>,
    pub value: RwSignal<String>,
    pub op: RwSignal<String>,
    pub threshold: RwSignal<String>,
    pub window: RwSignal<String>,
    pub every: RwSignal<String>,
    pub hold: RwSignal<String>,
    pub no_data: RwSignal<String>,
    pub renotify: RwSignal<String>,
    pub severity: RwSignal<String>,
    pub channels: RwSignal<Vec<String>>,
    pub message: RwSignal<String>,
    pub runbook: RwSignal<String>,
    pub direction: RwSignal<String>,
    pub baseline: RwSignal<String>,
    pub needed: RwSignal<String>,
    pub of: RwSignal<String>,
    pub recovery: RwSignal<String>,
    pub keep: RwSignal<String>,
    pub look_again: RwSignal<String>,
    pub each_match: RwSignal<String>,
    pub labels: RwSignal<String>,
    /// What the form does not show stays as it was.
    rest: StoredValue<AlertRuleRequest>,
}

impl RuleForm {
    pub fn new(rule: AlertRuleRequest) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            name: text(&rule.name),
            query: text(&rule.query),
            value: text(rule.value.as_deref().unwrap_or_default()),
            op: text(&rule.condition.op),
            threshold: RwSignal::new(rule.condition.threshold.to_string()),
            window: text(&rule.window),
            every: text(&rule.every),
            hold: text(&rule.for_),
            no_data: text(no_data_name(rule.no_data)),
            renotify: text(&rule.renotify),
            severity: text(severity_name(rule.severity)),
            channels: RwSignal::new(rule.channel_ids.clone()),
            message: text(rule.message.as_deref().unwrap_or_default()),
            runbook: text(rule.runbook_url.as_deref().unwrap_or_default()),
            direction: text(rule.condition.direction.as_deref().unwrap_or("up")),
            baseline: text(rule.condition.baseline.as_deref().unwrap_or_default()),
            needed: RwSignal::new(rule.windows.needed.to_string()),
            of: RwSignal::new(rule.windows.of.to_string()),
            recovery: RwSignal::new(
                rule.recovery_threshold.map(|value| value.to_string()).unwrap_or_default(),
            ),
            keep: text(&rule.keep_firing_for),
            look_again: text(&rule.look_again_after),
            each_match: RwSignal::new(
                rule.each_match_per_hour.map(|most| most.to_string()).unwrap_or_default(),
            ),
            labels: RwSignal::new(written_labels(&rule.labels)),
            rest: StoredValue::new(rule),
        }
    }

    /// The rule as the form says it now. A threshold that is no number is told by `threshold_error`.
    pub fn rule(self) -> AlertRuleRequest {
        AlertRuleRequest {
            name: self.name.get().trim().into(),
            query: self.query.get().trim().into(),
            value: some(self.value.get()),
            condition: Condition {
                op: self.op.get(),
                threshold: self.threshold.get().trim().parse().unwrap_or(0.0),
                direction: some(self.direction.get()).filter(|_| self.has_direction()),
                baseline: some(self.baseline.get()).filter(|_| self.compares_with_past()),
            },
            windows: Windows {
                needed: self.needed.get().trim().parse().unwrap_or(0),
                of: self.of.get().trim().parse().unwrap_or(0),
            },
            recovery_threshold: self.recovery.get().trim().parse().ok(),
            keep_firing_for: self.keep.get(),
            look_again_after: self.look_again.get(),
            each_match_per_hour: self.each_match.get().trim().parse().ok(),
            labels: read_labels(&self.labels.get()),
            window: self.window.get(),
            every: self.every.get(),
            for_: self.hold.get(),
            no_data: no_data(&self.no_data.get()),
            renotify: self.renotify.get(),
            severity: severity(&self.severity.get()),
            channel_ids: self.channels.get(),
            message: some(self.message.get()),
            runbook_url: some(self.runbook.get()),
            ..self.rest.get_value()
        }
    }

    /// Whether the condition looks at the past too.
    pub fn compares_with_past(self) -> bool {
        self.op.with(|op| ["change_pct", "anomaly", "new"].contains(&op.as_str()))
    }

    pub fn has_direction(self) -> bool {
        self.op.with(|op| ["change_pct", "anomaly"].contains(&op.as_str()))
    }

    pub fn threshold_error(self) -> Option<String> {
        let valid = self.threshold.with(|text| text.trim().parse::<f64>().is_ok_and(f64::is_finite));
        (!valid).then(|| "Write a number.".to_owned())
    }
}

/// `team=shop, env=prod`
pub fn written_labels(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// The opposite of `written_labels`.
pub fn read_labels(text: &str) -> BTreeMap<String, String> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    text.split([',', '\n']).map(pair).filter(|(name, _)| !name.is_empty()).collect()
}

fn some(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn severity(name: &str) -> Severity {
    match name {
        "info" => Severity::Info,
        "critical" => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn no_data_name(no_data: NoData) -> &'static str {
    match no_data {
        NoData::Ok => "ok",
        NoData::Alert => "alert",
        NoData::Keep => "keep",
    }
}

fn no_data(name: &str) -> NoData {
    match name {
        "alert" => NoData::Alert,
        "keep" => NoData::Keep,
        _ => NoData::Ok,
    }
}

pub type Choices = &'static [(&'static str, &'static str)];

pub const OPERATORS: Choices = &[
    (">", "above"),
    (">=", "at or above"),
    ("<", "below"),
    ("<=", "at or below"),
    ("==", "exactly"),
    ("!=", "anything but"),
    ("change_pct", "changed by more than (%)"),
    ("anomaly", "an anomaly (score above)"),
    ("new", "new, and more than"),
];
pub const BASELINES: Choices = &[
    ("", "what is usual for the condition"),
    ("before", "the window before"),
    ("1h", "an hour before"),
    ("1d", "the same time a day before"),
    ("1w", "the same time a week before"),
    ("30d", "the 30 days before"),
];
pub const DIRECTIONS: Choices = &[("up", "more"), ("down", "less"), ("both", "more or less")];
pub const LOOK_AGAIN: Choices =
    &[("0s", "No"), ("5m", "After 5 minutes"), ("15m", "After 15 minutes"), ("1h", "After an hour")];
pub const SEVERITIES: Choices = &[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")];
pub const WINDOWS: Choices = &[
    ("1m", "last minute"),
    ("5m", "last 5 minutes"),
    ("10m", "last 10 minutes"),
    ("15m", "last 15 minutes"),
    ("30m", "last 30 minutes"),
    ("1h", "last hour"),
    ("6h", "last 6 hours"),
    ("1d", "last day"),
];
pub const EVERY: Choices = &[
    ("10s", "10 seconds"),
    ("30s", "30 seconds"),
    ("1m", "minute"),
    ("5m", "5 minutes"),
    ("15m", "15 minutes"),
    ("1h", "hour"),
];
pub const HOLD: Choices = &[
    ("0s", "at once"),
    ("1m", "for a minute"),
    ("5m", "for 5 minutes"),
    ("10m", "for 10 minutes"),
    ("30m", "for 30 minutes"),
    ("1h", "for an hour"),
];
pub const NO_DATA: Choices =
    &[("ok", "All is well"), ("alert", "Alert: something stopped"), ("keep", "Keep the state")];
pub const RENOTIFY: Choices = &[
    ("0s", "Never"),
    ("30m", "Every 30 minutes"),
    ("1h", "Every hour"),
    ("4h", "Every 4 hours"),
    ("1d", "Every day"),
];

/// The choices as a select takes them; what is set by other means than this form is among them too.
pub fn options(choices: Choices, current: &str) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> =
        choices.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect();
    if !choices.iter().any(|(value, _)| *value == current) {
        options.insert(0, (current.to_owned(), current.to_owned()));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pairs_and_read_back() {
        let labels = read_labels("team=shop, env = prod,,alone");
        assert_eq!(written_labels(&labels), "alone=, env=prod, team=shop");
        assert_eq!(read_labels(&written_labels(&labels)), labels);
    }

    #[test]
    fn a_value_that_is_no_choice_is_offered_all_the_same() {
        assert_eq!(options(WINDOWS, "7m")[0], ("7m".to_owned(), "7m".to_owned()));
        assert_eq!(options(WINDOWS, "5m").len(), WINDOWS.len());
    }
}
