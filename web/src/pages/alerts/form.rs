//! The fields of an alert while it is being edited, and the rule that they make.

use api_types::alerts::{AlertRuleRequest, Condition, NoData, Severity};
use leptos::prelude::*;

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
            },
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

    pub fn threshold_error(self) -> Option<String> {
        let valid = self.threshold.with(|text| text.trim().parse::<f64>().is_ok_and(f64::is_finite));
        (!valid).then(|| "Write a number.".to_owned())
    }
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
];
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
    fn a_value_that_is_no_choice_is_offered_all_the_same() {
        assert_eq!(options(WINDOWS, "7m")[0], ("7m".to_owned(), "7m".to_owned()));
        assert_eq!(options(WINDOWS, "5m").len(), WINDOWS.len());
    }
}
