//! What a rule remembers between two evaluations. It is stored as JSON: fields may be added, with a default.

use crate::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Ordered from good to bad, so that the worst of several is their maximum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Ok,
    Pending,
    NoData,
    Firing,
    /// The rule cannot be evaluated.
    Error,
}

impl State {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::NoData => "no_data",
            Self::Firing => "firing",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that is known about a rule's groups, after an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    #[serde(default)]
    pub groups: BTreeMap<String, GroupState>,
    #[serde(default)]
    pub failing: Option<Failing>,
    /// Groups of the last evaluation that the cap left out.
    #[serde(default)]
    pub groups_left_out: usize,
    /// Episodes that have begun so far.
    #[serde(default)]
    pub episodes: u64,
}

impl RuleState {
    /// The worst of the groups, or `error`.
    #[must_use]
    pub fn overall(&self) -> State {
        match self.failing {
            Some(_) => State::Error,
            None => self.worst_group(),
        }
    }

    pub(crate) fn worst_group(&self) -> State {
        self.groups.values().map(|group| group.state).max().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupState {
    pub state: State,
    /// When it came to this state.
    pub since_us: Micros,
    pub value: Option<f64>,
    /// When it last had a value.
    pub seen_us: Micros,
    #[serde(default)]
    pub episode: u64,
    /// Transitions of the episode so far.
    #[serde(default)]
    pub number: u32,
    /// When somebody was last told of this episode.
    #[serde(default)]
    pub told_us: Option<Micros>,
    /// Firing, but its values have been well since then.
    #[serde(default)]
    pub quiet_since_us: Option<Micros>,
    /// The last windows, one bit each, the newest lowest: was it bad?
    #[serde(default)]
    pub recent: u64,
    /// When somebody was told of it within the last hour, for rules that tell of each match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_us_recently: Vec<Micros>,
    /// When it began to fire, within the last hour: a group that flaps is held longer.
    #[serde(default)]
    pub firings_us: Vec<Micros>,
}

/// A rule that cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failing {
    pub since_us: Micros,
    pub reason: String,
    /// Evaluations that failed in a row.
    pub times: u32,
    pub told: bool,
    pub episode: u64,
    pub number: u32,
}
