//! What a rule would have done over a series that is known already: the same steps, one after the other.

use crate::{Kind, Micros, Mutes, Observation, Rule, RuleState, State, Transition, step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One evaluation: when, and each group's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub at_us: Micros,
    pub values: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    pub points: Vec<Point>,
    pub transitions: Vec<Transition>,
}

/// A group at an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at_us: Micros,
    pub group: String,
    pub value: Option<f64>,
    pub breach: bool,
    /// After the evaluation.
    pub state: State,
}

impl Replay {
    /// How often something began to fire, or went missing.
    #[must_use]
    pub fn firings(&self) -> usize {
        self.transitions.iter().filter(|each| matches!(each.kind, Kind::Fired | Kind::NoData)).count()
    }
}

/// Replays a series, oldest first, from a rule that has never been evaluated.
#[must_use]
pub fn replay(rule: &Rule, series: &[Seen]) -> Replay {
    let (mut state, mut replay) = (RuleState::default(), Replay::default());
    for seen in series {
        let observation = Observation::Values(seen.values.clone());
        let (next, transitions) = step(state, observation, seen.at_us, rule, &Mutes::default());
        replay.points.extend(next.groups.iter().map(|(name, group)| {
            let value = seen.values.get(name).copied();
            let breach = value.is_some_and(|value| rule.condition.breaches(value));
            Point { at_us: seen.at_us, group: name.clone(), value, breach, state: group.state }
        }));
        replay.transitions.extend(transitions);
        state = next;
    }
    replay
}
