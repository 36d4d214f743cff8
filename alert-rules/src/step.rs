//! One evaluation: what was, what was seen, what is now, and what somebody should be told.

use crate::{Failing, GroupState, Micros, Mutes, NoData, Rule, RuleState, State, Windows, reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A group that vanished is remembered for this long where its silence matters.
const FORGET_US: Micros = 24 * HOUR_US;
const HOUR_US: Micros = 3_600_000_000;
/// Firings within an hour from which on a group flaps, and how much longer each one holds it.
const FLAPPING: usize = 6;
const FLAP_HOLD_US: Micros = 5 * 60_000_000;
/// Evaluations in a row that may fail for a passing reason before somebody is told.
const TELL_AFTER_FAILURES: u32 = 3;

/// What an evaluation saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Observation {
    /// The value of each group that has one; empty when nothing had.
    Values(BTreeMap<String, f64>),
    /// The query could not be answered. `lasting`: trying again cannot help.
    Failed { reason: String, lasting: bool },
}

/// What happened in a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Bad, but not for long enough.
    Pending,
    /// Well again before it fired.
    Cleared,
    Fired,
    NoData,
    /// Still bad after `renotify`, or when a mute ends.
    Renotified,
    Resolved,
    /// The rule cannot be evaluated.
    Failed,
    /// It can again.
    Restored,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Cleared => "cleared",
            Self::Fired => "fired",
            Self::NoData => "no_data",
            Self::Renotified => "renotified",
            Self::Resolved => "resolved",
            Self::Failed => "failed",
            Self::Restored => "restored",
        }
    }
}

/// Whether somebody is told of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    No,
    Yes,
    /// Would be, but for a mute.
    Muted,
}

/// A line of the history. `(episode, number)` is unique within the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    pub group: String,
    pub kind: Kind,
    pub from: State,
    pub to: State,
    pub value: Option<f64>,
    pub at_us: Micros,
    pub episode: u64,
    pub number: u32,
    pub reason: String,
    pub notify: Notify,
}

/// Applies an observation.
#[must_use]
pub fn step(
    state: RuleState,
    seen: Observation,
    now: Micros,
    rule: &Rule,
    mutes: &Mutes,
) -> (RuleState, Vec<Transition>) {
    let mut state = state;
    state.groups.values_mut().for_each(|group| group.clamp_to(now));
    let mut step = Step { state, now, rule, mutes, transitions: Vec::new() };
    match seen {
        Observation::Failed { reason, lasting } => step.fail(reason, lasting),
        Observation::Values(values) => {
            step.restore();
            step.values(values);
        }
    }
    (step.state, step.transitions)
}

/// Ends every episode, because the rule is switched off or deleted.
#[must_use]
pub fn close(
    state: RuleState,
    reason: &str,
    now: Micros,
    rule: &Rule,
    mutes: &Mutes,
) -> (RuleState, Vec<Transition>) {
    let mut step = Step { state, now, rule, mutes, transitions: Vec::new() };
    for name in step.state.groups.keys().cloned().collect::<Vec<_>>() {
        let mut group = step.state.groups.remove(&name).unwrap_or_default();
        match group.state {
            State::Firing | State::NoData => step.go(&name, &mut group, Kind::Resolved, reason.to_owned()),
            State::Pending => step.go(&name, &mut group, Kind::Cleared, reason.to_owned()),
            State::Ok | State::Error => {}
        }
    }
    let closed = RuleState { episodes: step.state.episodes, ..RuleState::default() };
    (closed, step.transitions)
}

/// What one group showed.
enum Reading {
    Value(f64),
    Missing,
    /// It is no group of the rule any more.
    Gone,
}

/// What that means.
enum Verdict {
    Well(String),
    Bad(State, String),
    /// Leave it as it is.
    Keep,
}

struct Step<'a> {
    state: RuleState,
    now: Micros,
    rule: &'a Rule,
    mutes: &'a Mutes,
    transitions: Vec<Transition>,
}

impl Step<'_> {
    fn fail(&mut self, reason: String, lasting: bool) {
        let (from, now) = (self.state.overall(), self.now);
        if self.state.failing.is_none() {
            self.state.episodes += 1;
        }
        let episode = self.state.episodes;
        let failing = self.state.failing.get_or_insert_with(|| Failing {
            since_us: now,
            reason: String::new(),
            times: 0,
            told: false,
            episode,
            number: 0,
        });
        failing.times += 1;
        failing.reason.clone_from(&reason);
        let tell = !failing.told && (lasting || failing.times >= TELL_AFTER_FAILURES);
        if failing.times == 1 || tell {
            failing.told |= tell;
            failing.number += 1;
            let (episode, number) = (failing.episode, failing.number);
            self.record_of_rule(Kind::Failed, from, State::Error, (episode, number), reason, tell);
        }
    }

    fn restore(&mut self) {
        if let Some(failing) = self.state.failing.take() {
            let (to, reason) = (self.state.worst_group(), reason::RESTORED.to_owned());
            let name = (failing.episode, failing.number + 1);
            self.record_of_rule(Kind::Restored, State::Error, to, name, reason, failing.told);
        }
    }

    fn record_of_rule(
        &mut self,
        kind: Kind,
        from: State,
        to: State,
        (episode, number): (u64, u32),
        reason: String,
        tell: bool,
    ) {
        let notify = if tell { Notify::Yes } else { Notify::No };
        let (group, at_us) = (String::new(), self.now);
        self.transitions.push(Transition {
            group,
            kind,
            from,
            to,
            value: None,
            at_us,
            episode,
            number,
            reason,
            notify,
        });
    }

    fn values(&mut self, values: BTreeMap<String, f64>) {
        for (name, reading) in self.readings(values) {
            let mut group = self.state.groups.remove(&name).unwrap_or_default();
            self.step_group(&name, &mut group, &reading);
            if !self.is_forgettable(&group, &reading) {
                self.state.groups.insert(name, group);
            }
        }
    }

    /// Every group that is watched or was seen, with what it showed.
    fn readings(&mut self, values: BTreeMap<String, f64>) -> Vec<(String, Reading)> {
        let mut values: BTreeMap<_, _> = values.into_iter().filter(|(_, value)| value.is_finite()).collect();
        if !self.rule.grouped {
            let reading = values.remove("").map_or(Reading::Missing, Reading::Value);
            let others = self.state.groups.keys().filter(|name| !name.is_empty());
            let mut readings: Vec<_> = others.map(|name| (name.clone(), Reading::Gone)).collect();
            readings.push((String::new(), reading));
            return readings;
        }
        let vanished: Vec<_> = self
            .state
            .groups
            .keys()
            .filter(|name| !name.is_empty() && !values.contains_key(*name))
            .map(|name| (name.clone(), Reading::Missing))
            .collect();
        let nothing_at_all = values.is_empty() && vanished.is_empty();
        let values = self.within_cap(values);
        let mut readings: Vec<_> =
            values.into_iter().map(|(name, value)| (name, Reading::Value(value))).chain(vanished).collect();
        // "" stands for the whole rule while it has never had a group
        if nothing_at_all {
            readings.push((String::new(), Reading::Missing));
        } else if self.state.groups.contains_key("") {
            readings.push((String::new(), Reading::Gone));
        }
        readings
    }

    /// The groups that are watched already come first, then the bad ones.
    fn within_cap(&mut self, values: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
        self.state.groups_left_out = values.len().saturating_sub(self.rule.group_cap);
        if self.state.groups_left_out == 0 {
            return values;
        }
        let rank = |(name, value): &(String, f64)| {
            let watched = self.state.groups.get(name).is_some_and(|group| group.state != State::Ok);
            (!watched, !self.rule.condition.breaches(*value))
        };
        let mut ranked: Vec<_> = values.into_iter().collect();
        ranked.sort_by_key(rank);
        ranked.truncate(self.rule.group_cap);
        ranked.into_iter().collect()
    }

    fn step_group(&mut self, name: &str, group: &mut GroupState, reading: &Reading) {
        let verdict = self.judge(group, reading);
        match (group.state, verdict) {
            (State::Ok | State::Error, Verdict::Bad(to, reason)) => self.begin(name, group, to, reason),
            (State::Pending, Verdict::Bad(to, reason)) => {
                if self.now - group.since_us >= self.rule.for_us {
                    self.go(name, group, kind_of(to), reason::held(reason, self.rule));
                }
            }
            (State::Pending, Verdict::Well(reason)) => self.go(name, group, Kind::Cleared, reason),
            (State::Firing | State::NoData, Verdict::Bad(to, reason)) => {
                group.quiet_since_us = None;
                if to == group.state {
                    self.renotify(name, group, reason);
                } else {
                    self.go(name, group, kind_of(to), reason);
                }
            }
            (State::Firing | State::NoData, Verdict::Well(reason)) => {
                self.recover(name, group, reading, reason)
            }
            (State::Firing | State::NoData, Verdict::Keep) => {
                self.renotify(name, group, reason::NO_DATA.to_owned());
            }
            (State::Ok | State::Error, Verdict::Well(_)) | (_, Verdict::Keep) => {}
        }
    }

    fn judge(&self, group: &mut GroupState, reading: &Reading) -> Verdict {
        match reading {
            Reading::Value(value) => self.judge_value(group, *value),
            Reading::Gone => Verdict::Well(reason::GONE.into()),
            Reading::Missing => self.judge_missing(group),
        }
    }

    fn judge_value(&self, group: &mut GroupState, value: f64) -> Verdict {
        (group.value, group.seen_us) = (Some(value), self.now);
        let condition = match (group.state, self.rule.recovery_threshold) {
            (State::Firing, Some(threshold)) => crate::Condition { threshold, ..self.rule.condition },
            _ => self.rule.condition,
        };
        if group.remember(condition.breaches(value), self.rule.windows) {
            Verdict::Bad(State::Firing, reason::breach(value, self.rule))
        } else {
            Verdict::Well(reason::well(value, self.rule))
        }
    }

    fn judge_missing(&self, group: &mut GroupState) -> Verdict {
        let never_seen = group.seen_us == 0;
        let long_gone = self.rule.grouped && !never_seen && self.now - group.seen_us >= FORGET_US;
        if long_gone {
            return Verdict::Well(reason::FORGOTTEN.into());
        }
        match self.rule.no_data {
            NoData::Keep => Verdict::Keep,
            NoData::Alert => {
                group.value = None;
                Verdict::Bad(State::NoData, reason::NO_DATA.into())
            }
            NoData::Ok => {
                group.value = None;
                match group.remember(false, self.rule.windows) {
                    true => Verdict::Bad(State::Firing, reason::NO_MORE_DATA.into()),
                    false => Verdict::Well(reason::NO_MORE_DATA.into()),
                }
            }
        }
    }

    fn begin(&mut self, name: &str, group: &mut GroupState, to: State, reason: String) {
        self.state.episodes += 1;
        (group.episode, group.number, group.told_us) = (self.state.episodes, 0, None);
        let kind = if self.rule.for_us > 0 { Kind::Pending } else { kind_of(to) };
        self.go(name, group, kind, reason);
    }

    fn recover(&mut self, name: &str, group: &mut GroupState, reading: &Reading, reason: String) {
        let quiet_since = *group.quiet_since_us.get_or_insert(self.now);
        let waits = group.state == State::Firing && !matches!(reading, Reading::Gone);
        let hold = self.rule.keep_firing_for_us.max(group.flap_hold());
        if !waits || self.now - quiet_since >= hold {
            self.go(name, group, Kind::Resolved, reason);
        }
    }

    /// Says it again: after `renotify`, or when a mute has ended before anybody was told.
    fn renotify(&mut self, name: &str, group: &mut GroupState, reason: String) {
        let due = match (group.told_us, self.rule.renotify_us) {
            _ if self.rule.each_match_per_hour.is_some() => {
                self.may_tell_of_match(group) && !self.mutes.silence(name, self.now)
            }
            (None, _) => !self.mutes.silence(name, self.now),
            (Some(told), Some(every)) => self.now - told >= every && !self.mutes.silence(name, self.now),
            (Some(_), None) => false,
        };
        if due {
            self.go(name, group, Kind::Renotified, reason);
        }
    }

    fn may_tell_of_match(&self, group: &GroupState) -> bool {
        let most = self.rule.each_match_per_hour.unwrap_or(u32::MAX);
        group.told_us_recently.len() < usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// The one place where a group changes its state.
    fn go(&mut self, name: &str, group: &mut GroupState, kind: Kind, reason: String) {
        let (from, to) = (group.state, target_of(kind, group.state));
        let notify = self.notify(name, group, kind);
        group.number += 1;
        self.transitions.push(Transition {
            group: name.to_owned(),
            kind,
            from,
            to,
            value: group.value,
            at_us: self.now,
            episode: group.episode,
            number: group.number,
            reason,
            notify,
        });
        if to != from {
            (group.state, group.since_us, group.quiet_since_us) = (to, self.now, None);
        }
        if to == State::Firing && from != to {
            group.firings_us.push(self.now);
        }
        if notify == Notify::Yes && self.rule.each_match_per_hour.is_some() {
            group.told_us_recently.push(self.now);
        }
        match (to, notify) {
            (State::Ok, _) => group.told_us = None,
            (_, Notify::Yes) => group.told_us = Some(self.now),
            _ => {}
        }
    }

    fn notify(&self, name: &str, group: &GroupState, kind: Kind) -> Notify {
        let wanted = match kind {
            Kind::Fired | Kind::NoData | Kind::Renotified => self.may_tell_of_match(group),
            Kind::Resolved => group.told_us.is_some() && self.rule.each_match_per_hour.is_none(),
            Kind::Pending | Kind::Cleared | Kind::Failed | Kind::Restored => false,
        };
        match (wanted, self.mutes.silence(name, self.now)) {
            (false, _) => Notify::No,
            (true, true) => Notify::Muted,
            (true, false) => Notify::Yes,
        }
    }

    /// A group that is well and was not seen leaves no trace, unless its silence or its past matters.
    fn is_forgettable(&self, group: &GroupState, reading: &Reading) -> bool {
        let unseen_for = self.now - group.seen_us;
        let absence_matters =
            self.rule.no_data == NoData::Alert && self.rule.grouped && unseen_for < FORGET_US;
        let has_past =
            group.recent != 0 || !group.firings_us.is_empty() || !group.told_us_recently.is_empty();
        match reading {
            Reading::Value(_) => false,
            Reading::Gone => group.state == State::Ok,
            Reading::Missing => {
                self.rule.grouped && group.state == State::Ok && !absence_matters && !has_past
            }
        }
    }
}

impl GroupState {
    /// After a clock was set back nothing lies in the future, so nothing waits for it.
    fn clamp_to(&mut self, now: Micros) {
        self.since_us = self.since_us.min(now);
        self.seen_us = self.seen_us.min(now);
        self.told_us = self.told_us.map(|told| told.min(now));
        self.quiet_since_us = self.quiet_since_us.map(|since| since.min(now));
        self.told_us_recently.retain(|told| *told <= now && now - told < HOUR_US);
        self.firings_us.retain(|fired| *fired <= now && now - fired < HOUR_US);
    }

    /// Notes whether this window was bad, and says whether enough of the last ones were.
    fn remember(&mut self, bad: bool, windows: Windows) -> bool {
        let of = windows.of.clamp(1, Windows::MOST);
        self.recent = ((self.recent << 1) | u64::from(bad)) & ((1 << of) - 1);
        self.recent.count_ones() >= u32::from(windows.needed.clamp(1, of))
    }

    /// How long a group that keeps coming and going must stay well before it is resolved.
    fn flap_hold(&self) -> Micros {
        let beyond = self.firings_us.len().saturating_sub(FLAPPING - 1);
        i64::try_from(beyond.min(6)).unwrap_or(6) * FLAP_HOLD_US
    }
}

fn kind_of(bad: State) -> Kind {
    if bad == State::NoData { Kind::NoData } else { Kind::Fired }
}

fn target_of(kind: Kind, current: State) -> State {
    match kind {
        Kind::Pending => State::Pending,
        Kind::Fired => State::Firing,
        Kind::NoData => State::NoData,
        Kind::Cleared | Kind::Resolved => State::Ok,
        Kind::Renotified | Kind::Failed | Kind::Restored => current,
    }
}
