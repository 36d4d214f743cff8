//! What the state machine must know of a rule.

use crate::{Condition, Micros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The part of an alert rule that decides about its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub condition: Condition,
    /// A firing group is well again only beyond this value; at the threshold itself when absent.
    #[serde(default)]
    pub recovery_threshold: Option<f64>,
    /// How long a group must be bad before it fires.
    #[serde(default)]
    pub for_us: Micros,
    /// How long a firing group must be well before it is resolved.
    #[serde(default)]
    pub keep_firing_for_us: Micros,
    #[serde(default)]
    pub windows: Windows,
    #[serde(default)]
    pub no_data: NoData,
    /// Says it again while a group stays bad; never when absent.
    #[serde(default)]
    pub renotify_us: Option<Micros>,
    /// Every evaluation that finds something is told, at most this many times an hour, and the end of it is not.
    #[serde(default)]
    pub each_match_per_hour: Option<u32>,
    /// Whether the query has groups; without them there is the one group `""`.
    #[serde(default)]
    pub grouped: bool,
    /// Groups beyond this number are counted, not watched.
    pub group_cap: usize,
}

/// A group is bad when `needed` of its last `of` windows were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    pub needed: u8,
    pub of: u8,
}

impl Windows {
    /// The most windows that are remembered.
    pub const MOST: u8 = 60;
}

impl Default for Windows {
    fn default() -> Self {
        Self { needed: 1, of: 1 }
    }
}

/// What a window without any value means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// All is well.
    #[default]
    Ok,
    /// Somebody must know: the group turns to `no_data`, and is remembered after it vanished.
    Alert,
    /// Nothing changes.
    Keep,
}

/// Until when nobody is told: about the rule, or about one of its groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutes {
    #[serde(default)]
    pub rule_until_us: Option<Micros>,
    #[serde(default)]
    pub groups_until_us: BTreeMap<String, Micros>,
}

impl Mutes {
    /// Silences the whole rule (`""`) or one group until a time, or ends that silence; what has ended is forgotten.
    pub fn set(&mut self, group: &str, until: Option<Micros>, now: Micros) {
        match (group, until) {
            ("", until) => self.rule_until_us = until,
            (group, Some(until)) => drop(self.groups_until_us.insert(group.to_owned(), until)),
            (group, None) => drop(self.groups_until_us.remove(group)),
        }
        self.groups_until_us.retain(|_, until| *until > now);
    }

    #[must_use]
    pub fn silence(&self, group: &str, now: Micros) -> bool {
        let of_group = self.groups_until_us.get(group).copied();
        self.rule_until_us.max(of_group).is_some_and(|until| now < until)
    }
}
