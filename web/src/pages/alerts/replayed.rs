//! What a rule would have done over a series that the server sent once: replayed here, by the server's own state machine, each
//! time the threshold moves.

use alert_rules::{Kind, Replay, Seen, State, replay, rule_of};
use api_types::alerts::{AlertPreview, AlertRuleRequest};

/// A rule over the series of a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    pub firings: usize,
    pub pages_per_week: f64,
    /// When something began to fire or went missing, in milliseconds.
    pub fired_ms: Vec<i64>,
    /// Milliseconds and value of each evaluation that was bad.
    pub breaches: Vec<(i64, f64)>,
    /// Share of the time in which something fired.
    pub firing_share: f64,
}

impl Replayed {
    /// `None` while the rule is not complete.
    pub fn of(rule: &AlertRuleRequest, preview: &AlertPreview) -> Option<Self> {
        let machine = rule_of(rule, preview.grouped).ok()?;
        let seen = series_of(preview);
        let span_ms = seen.len() as f64 * preview.interval_ms as f64;
        Some(Self::from_replay(&replay(&machine, &seen), seen.len(), span_ms))
    }

    fn from_replay(replayed: &Replay, evaluations: usize, span_ms: f64) -> Self {
        let fired: Vec<i64> = replayed
            .transitions
            .iter()
            .filter(|each| matches!(each.kind, Kind::Fired | Kind::NoData))
            .map(|each| each.at_us / 1_000)
            .collect();
        let breach =
            |point: &alert_rules::Point| Some((point.at_us / 1_000, point.value?)).filter(|_| point.breach);
        let mut firing_at: Vec<i64> = replayed
            .points
            .iter()
            .filter(|point| point.state >= State::NoData)
            .map(|point| point.at_us)
            .collect();
        firing_at.dedup();
        let weeks = span_ms / (7.0 * 86_400_000.0);
        Self {
            firings: fired.len(),
            pages_per_week: if weeks > 0.0 { fired.len() as f64 / weeks } else { 0.0 },
            fired_ms: fired,
            breaches: replayed.points.iter().filter_map(breach).collect(),
            firing_share: firing_at.len() as f64 / evaluations.max(1) as f64,
        }
    }

    pub fn in_words(&self, days: &str) -> String {
        let times = match self.firings {
            0 => return "Would not have fired".into(),
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let over = if days == "1" { String::new() } else { format!(" in {days} days") };
        let pages = crate::format::number((self.pages_per_week * 10.0).round() / 10.0);
        format!("Would have fired {times}{over} · {pages} pages a week")
    }
}

fn series_of(preview: &AlertPreview) -> Vec<Seen> {
    let length = preview.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let step_us = i64::try_from(preview.interval_ms).unwrap_or(0) * 1_000;
    let at = |index: usize| preview.first_ms * 1_000 + i64::try_from(index).unwrap_or(0) * step_us;
    let values = |index: usize| {
        let value = |series: &api_types::alerts::PreviewSeries| {
            Some((series.group.clone(), (*series.values.get(index)?)?))
        };
        preview.series.iter().filter_map(value).collect()
    };
    (0..length).map(|index| Seen { at_us: at(index), values: values(index) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::alerts::PreviewSeries;

    fn preview(values: &[Option<f64>]) -> AlertPreview {
        AlertPreview {
            interval_ms: 60_000,
            value: "count".into(),
            points: Vec::new(),
            firings: 0,
            first_ms: 1_700_000_000_000,
            grouped: false,
            series: vec![PreviewSeries { group: String::new(), values: values.to_vec() }],
            groups_left_out: 0,
            message: None,
        }
    }

    fn rule(threshold: f64) -> AlertRuleRequest {
        let text =
            format!(r#"{{"name": "r", "query": "*", "condition": {{"op": ">", "threshold": {threshold}}}}}"#);
        serde_json::from_str(&text).expect("a rule")
    }

    #[test]
    fn another_threshold_gives_other_firings_without_the_server() {
        let preview = preview(&[Some(1.0), Some(12.0), Some(3.0), Some(20.0), Some(2.0)]);
        let low = Replayed::of(&rule(10.0), &preview).expect("a rule");
        assert_eq!(low.fired_ms, [1_700_000_060_000, 1_700_000_180_000]);
        assert_eq!(Replayed::of(&rule(15.0), &preview).expect("a rule").firings, 1);
        assert_eq!(
            Replayed::of(&rule(99.0), &preview).expect("a rule").in_words("1"),
            "Would not have fired"
        );
        assert_eq!(low.firing_share, 0.4);
    }
}
