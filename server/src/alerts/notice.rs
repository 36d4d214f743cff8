//! A notification before it has a form: everything that a message says, fixed at the moment of the transition.
//!
//! It is stored with the outbox row as JSON, so that a message which leaves hours later still tells what happened then.

use super::definition::Definition;
use super::evaluate::Sample;
use crate::time::rfc3339;
use alert_rules::{Condition, Kind, RuleState, State};
use api_types::alerts::{ChannelKind, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Sample lines in a message.
pub const SAMPLES: usize = 5;
/// More groups than this changing at once are told in one message.
pub const SINGLE_MESSAGES: usize = 5;
/// Pixels of the picture in a mail.
const BAR_HEIGHT: f64 = 48.0;
/// Groups that a message lists by name.
const LISTED_GROUPS: usize = 20;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: Kind,
    pub rule_id: Uuid,
    pub rule_name: String,
    pub organization: String,
    pub severity: Severity,
    pub labels: BTreeMap<String, String>,
    pub query: String,
    /// Which lines are behind the value: the query's filter, narrowed to the group.
    pub lines_query: String,
    /// The compared column and what it is compared with: `n`, `> 10`.
    pub column: String,
    pub condition: String,
    pub window: String,
    pub reason: String,
    pub at_us: i64,
    pub from_us: i64,
    pub to_us: i64,
    /// The groups that this is about; one with an empty name for a rule without groups.
    pub about: Vec<GroupLine>,
    /// Other groups that are bad now, the worst first, and how many are not listed.
    pub others: Vec<GroupLine>,
    pub others_more: usize,
    pub samples: Vec<Sample>,
    /// The rule's worst values of late, this one last; for a picture.
    #[serde(default)]
    pub recent: Vec<Option<f64>>,
    /// What makes a value bad; for the same picture.
    #[serde(default)]
    pub bad: Option<Condition>,
    pub runbook_url: Option<String>,
    /// The author's own words.
    pub message: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupLine {
    pub group: String,
    pub state: State,
    pub value: Option<f64>,
    pub since_us: i64,
    pub episode: u64,
}

impl Notice {
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        matches!(self.kind, Kind::Resolved | Kind::Restored)
    }

    /// `Firing`, as the first word of a message.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        match self.kind {
            Kind::Fired | Kind::Pending => "Firing",
            Kind::NoData => "No data",
            Kind::Renotified if self.about.iter().all(|group| group.state == State::NoData) => {
                "Still no data"
            }
            Kind::Renotified => "Still firing",
            Kind::Resolved | Kind::Cleared => "Resolved",
            Kind::Failed => "Cannot be evaluated",
            Kind::Restored => "Evaluated again",
        }
    }

    /// One line: what, where, how much.
    #[must_use]
    pub fn subject(&self) -> String {
        let place = match self.about.as_slice() {
            [one] if one.group.is_empty() => String::new(),
            [one] => format!(" ({})", one.group),
            many => format!(" ({} groups)", many.len()),
        };
        let line = format!("{}: {}{place}", self.headline(), self.rule_name);
        line.replace(char::is_control, " ")
    }

    /// One sentence: `n is 12 (the rule alerts when it is > 10), over 5m until 2026-03-10 10:00:00 UTC`.
    #[must_use]
    pub fn summary(&self) -> String {
        let (column, window, until) = (&self.column, &self.window, to_the_second(self.to_us));
        match (self.kind, self.about.as_slice()) {
            (Kind::Failed | Kind::Restored, _) => self.reason.clone(),
            (_, [GroupLine { value: Some(value), .. }]) => format!(
                "{column} is {} (the rule alerts when it is {}), over {window} until {until}",
                number(*value),
                self.condition
            ),
            (Kind::Resolved, _) => format!("{}, over {window} until {until}", self.reason),
            (_, [_]) => format!("No data over {window} until {until}"),
            (_, many) => format!(
                "{} groups; the rule alerts when {column} is {}, over {window} until {until}",
                many.len(),
                self.condition
            ),
        }
    }

    /// A bar of colour at the top: state first, then severity.
    #[must_use]
    pub fn colour(&self) -> &'static str {
        match (self.is_resolved(), self.severity) {
            (true, _) => "#2f855a",
            (false, Severity::Critical) => "#c53030",
            (false, Severity::Warning) => "#b7791f",
            (false, Severity::Info) => "#2b6cb0",
        }
    }

    #[must_use]
    pub fn severity_name(&self) -> &'static str {
        match self.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }

    /// Smaller is worse.
    #[must_use]
    pub fn severity_rank(&self) -> u8 {
        match self.severity {
            Severity::Critical => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        }
    }

    /// Where the lines behind the value are seen.
    #[must_use]
    pub fn explore_link(&self, public_url: &str) -> String {
        let (from, to) = (rfc3339(self.from_us), rfc3339(self.to_us));
        let page = format!("{public_url}/explore");
        let parameters = [("q", self.lines_query.as_str()), ("from", &from), ("to", &to)];
        reqwest::Url::parse_with_params(&page, parameters).map_or(page, String::from)
    }

    #[must_use]
    pub fn rule_link(&self, public_url: &str) -> String {
        match self.rule_id {
            id if id.is_nil() => format!("{public_url}/alerts"),
            id => format!("{public_url}/alerts/{id}"),
        }
    }

    /// Names the group's incident towards other systems, the same from firing to resolved.
    #[must_use]
    pub fn incident_key(&self) -> String {
        let group = self.about.first().map(|group| group.group.as_str()).unwrap_or_default();
        format!("{}/{group}", self.rule_id)
    }
}

/// What a test of a channel sends. An incident that was opened is closed again.
#[must_use]
pub fn examples(kind: ChannelKind, now: i64) -> Vec<Notice> {
    let opened = example(now);
    let closed = Notice { kind: Kind::Resolved, ..opened.clone() };
    if kind == ChannelKind::Pagerduty { vec![opened, closed] } else { vec![opened] }
}

/// A made-up notification with everything that one can have.
#[must_use]
pub fn example(now: i64) -> Notice {
    let minute = crate::time::MINUTE_US;
    Notice {
        kind: Kind::Fired,
        rule_id: Uuid::nil(),
        rule_name: "Test of this channel".into(),
        organization: "your organization".into(),
        severity: Severity::Info,
        labels: BTreeMap::new(),
        query: "level:error".into(),
        lines_query: "level:error".into(),
        column: "count".into(),
        condition: "> 10".into(),
        window: "5m".into(),
        reason: "This is only a test: no rule fired.".into(),
        at_us: now,
        from_us: now - 5 * minute,
        to_us: now,
        about: vec![GroupLine {
            group: String::new(),
            state: State::Firing,
            value: Some(12.0),
            since_us: now,
            episode: 0,
        }],
        others: Vec::new(),
        others_more: 0,
        samples: vec![Sample {
            timestamp: rfc3339(now - minute),
            level: Some("error".into()),
            source: Some("example".into()),
            message: "a line like the ones that a rule would find".into(),
            marks: Vec::new(),
        }],
        recent: [2.0, 3.0, 1.0, 2.0, 5.0, 4.0, 8.0, 12.0].map(Some).to_vec(),
        bad: Some(Condition { op: alert_rules::Op::Above, threshold: 10.0 }),
        runbook_url: None,
        message: Some("This is only a test: no rule fired.".into()),
    }
}

/// The groups that are bad besides those that a message is about, the worst first.
#[must_use]
pub fn other_groups(
    memory: &RuleState,
    about: &[GroupLine],
    definition: &Definition,
) -> (Vec<GroupLine>, usize) {
    let condition = definition.rule(true).condition;
    let mut others: Vec<GroupLine> = memory
        .groups
        .iter()
        .filter(|(name, group)| group.state > State::Pending && about.iter().all(|each| each.group != **name))
        .map(|(name, group)| GroupLine::of(name, group))
        .collect();
    others.sort_by(|one, other| match (one.value, other.value) {
        (Some(a), Some(b)) if a != b && condition.worse(a, b) == a => std::cmp::Ordering::Less,
        (Some(a), Some(b)) if a != b => std::cmp::Ordering::Greater,
        _ => one.group.cmp(&other.group),
    });
    let more = others.len().saturating_sub(LISTED_GROUPS);
    others.truncate(LISTED_GROUPS);
    (others, more)
}

impl GroupLine {
    #[must_use]
    pub fn of(name: &str, group: &alert_rules::GroupState) -> Self {
        Self {
            group: name.to_owned(),
            state: group.state,
            value: group.value,
            since_us: group.since_us,
            episode: group.episode,
        }
    }

    #[must_use]
    pub fn value_text(&self) -> String {
        self.value.map_or_else(|| "no value".to_owned(), number)
    }
}

/// A bar of the picture in a mail: how high of `BAR_HEIGHT`, and whether its value is bad.
pub struct Bar {
    pub height: u32,
    pub bad: bool,
}

/// The recent values as a picture. Mail programs show tables, and neither scripts nor SVG.
pub struct Picture {
    pub bars: Vec<Bar>,
    /// Pixels above the ground at which the threshold lies.
    pub threshold: Option<u32>,
    /// What is to be seen, in words.
    pub caption: String,
}

impl Notice {
    /// Nothing when there is little to see.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        let known = || self.recent.iter().flatten().filter(|value| value.is_finite());
        let largest = known().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        if self.recent.len() < 3 || largest == 0.0 {
            return None;
        }
        let threshold = self.bad.map(|bad| bad.threshold).filter(|threshold| *threshold > 0.0);
        // a threshold far above every value would flatten them all
        let scale = threshold.map_or(largest, |threshold| largest.max(threshold.min(4.0 * largest)));
        let pixels = |value: f64| (value.abs() / scale * BAR_HEIGHT).round() as u32;
        let bar = |value: &Option<f64>| {
            let value = value.filter(|value| value.is_finite());
            let bad = value.is_some_and(|value| self.bad.is_some_and(|bad| bad.breaches(value)));
            Bar { height: value.map_or(0, pixels), bad }
        };
        let line = threshold.map(pixels).filter(|pixels| f64::from(*pixels) <= BAR_HEIGHT);
        let highest = known().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Picture {
            bars: self.recent.iter().map(bar).collect(),
            threshold: line,
            caption: format!(
                "The last {} checks, the newest on the right; the highest value is {}, the rule alerts when it is {}",
                self.recent.len(),
                number(highest),
                self.condition
            ),
        })
    }
}

/// A time as people read it in a sentence.
fn to_the_second(us: i64) -> String {
    rfc3339(us - us.rem_euclid(crate::time::SECOND_US)).replace('T', " ").replace('Z', " UTC")
}

/// A number as people write it.
#[must_use]
pub fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_shows_which_values_were_bad_and_where_the_threshold_lies() {
        let notice = example(0);
        let picture = notice.picture().unwrap();
        let bad: Vec<bool> = picture.bars.iter().map(|bar| bar.bad).collect();
        assert_eq!(bad, [false, false, false, false, false, false, false, true]);
        assert_eq!((picture.bars[7].height, picture.threshold), (48, Some(40)));
        assert!(picture.caption.contains("highest value is 12"), "{}", picture.caption);
    }

    #[test]
    fn the_summary_is_a_sentence() {
        let notice = example(1_773_136_800_123_456);
        let expected = "count is 12 (the rule alerts when it is > 10), over 5m until 2026-03-10 10:00:00 UTC";
        assert_eq!(notice.summary(), expected);
    }

    #[test]
    fn a_threshold_out_of_reach_does_not_flatten_the_picture() {
        let bad = Some(Condition { op: alert_rules::Op::Above, threshold: 1e9 });
        let picture = Notice { bad, ..example(0) }.picture().unwrap();
        assert_eq!((picture.bars[7].height, picture.threshold), (12, None));
        let nothing = Notice { recent: vec![Some(0.0); 9], ..example(0) };
        assert!(nothing.picture().is_none());
    }
}
