//! What a value is against those before it: for the conditions `change_pct`, `anomaly` and `new`.
//!
//! Both give a number that an ordinary condition can be applied to, so the state machine needs to know nothing of them; so does
//! `new`, which leaves only what was not there before. The median and the score are those of the query language's `anomaly` stage.

use crate::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// A change from nothing to something has no percentage; it counts as this much.
pub const CHANGE_FROM_NOTHING_PCT: f64 = 1_000_000.0;
/// A value that differs where all before it were equal has no score; it counts as this much.
pub const SCORE_OF_FIRST_CHANGE: f64 = 1_000.0;
/// With fewer values before it, nothing is an anomaly.
pub const FEWEST_EARLIER: usize = 5;

/// Windows that an anomaly is told from.
const EARLIER_WINDOWS: i64 = 12;

/// What is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The value.
    Itself,
    /// Its change in percent against the window `distance` before.
    Change,
    /// Its score against twelve windows, each `distance` before the next.
    Anomaly,
    /// The value of a group that had none during `distance` before; 0 for the others.
    New,
}

/// Which way of being different is bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Up,
    Down,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub basis: Basis,
    pub direction: Direction,
    pub distance_us: Micros,
}

impl Comparison {
    pub const NONE: Self = Self { basis: Basis::Itself, direction: Direction::Up, distance_us: 0 };

    /// The windows that must be known too, for the one from (inclusive) and to (exclusive).
    #[must_use]
    pub fn earlier(&self, from: Micros, to: Micros) -> Vec<(Micros, Micros)> {
        let shifted = |times: i64| (from - times * self.distance_us, to - times * self.distance_us);
        match self.basis {
            Basis::Itself => Vec::new(),
            Basis::Change => vec![shifted(1)],
            Basis::Anomaly => (1..=EARLIER_WINDOWS).map(shifted).collect(),
            Basis::New => vec![(from - self.distance_us, from)],
        }
    }

    /// What is compared with the threshold, from the values of a window and of the earlier ones. `absent_is_zero`: the value is a
    /// number of events, so a group that is not there had none.
    #[must_use]
    pub fn apply(
        &self,
        values: BTreeMap<String, f64>,
        earlier: &[BTreeMap<String, f64>],
        absent_is_zero: bool,
    ) -> BTreeMap<String, f64> {
        if self.basis == Basis::Itself {
            return values;
        }
        let groups: BTreeSet<&String> =
            values.keys().chain(earlier.iter().flat_map(BTreeMap::keys)).collect();
        let of = |window: &BTreeMap<String, f64>, group: &String| {
            window.get(group).copied().or(absent_is_zero.then_some(0.0))
        };
        let compared = |group: &String| match self.basis {
            Basis::Itself => None,
            Basis::Change => Some(change_pct(of(&values, group)?, of(earlier.first()?, group)?)),
            Basis::Anomaly => {
                let before: Vec<f64> = earlier.iter().filter_map(|window| of(window, group)).collect();
                anomaly_score(of(&values, group)?, &before)
            }
            Basis::New => {
                let was_there =
                    earlier.iter().any(|window| window.get(group).is_some_and(|value| *value != 0.0));
                values.get(group).map(|value| if was_there { 0.0 } else { *value })
            }
        };
        groups
            .into_iter()
            .filter_map(|group| Some((group.clone(), self.directed(compared(group)?))))
            .collect()
    }

    fn directed(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Up => value,
            Direction::Down => 0.0 - value,
            Direction::Both => value.abs(),
        }
    }
}

/// By how many percent the value lies above (or, negative, below) the one before.
#[must_use]
pub fn change_pct(value: f64, before: f64) -> f64 {
    let change = value - before;
    if change == 0.0 {
        return 0.0;
    }
    let pct =
        if before == 0.0 { CHANGE_FROM_NOTHING_PCT.copysign(change) } else { 100.0 * change / before.abs() };
    pct.clamp(-CHANGE_FROM_NOTHING_PCT, CHANGE_FROM_NOTHING_PCT)
}

/// How unusual the value is: its distance from the median of the earlier ones, in units of their usual distance
/// (0.6745 · (value − median) / MAD). Beyond ±3.5 it is commonly called an anomaly.
#[must_use]
pub fn anomaly_score(value: f64, earlier: &[f64]) -> Option<f64> {
    let known: Vec<f64> = earlier.iter().copied().filter(|value| value.is_finite()).collect();
    if known.len() < FEWEST_EARLIER || !value.is_finite() {
        return None;
    }
    let middle = median(known.clone());
    let deviation = median(known.iter().map(|value| (value - middle).abs()).collect());
    let distance = value - middle;
    if distance == 0.0 {
        return Some(0.0);
    }
    let score = if deviation == 0.0 {
        SCORE_OF_FIRST_CHANGE.copysign(distance)
    } else {
        0.6745 * distance / deviation
    };
    // Distances too large for a float tell nothing.
    let score = if score.is_nan() { 0.0 } else { score };
    Some(score.clamp(-SCORE_OF_FIRST_CHANGE, SCORE_OF_FIRST_CHANGE))
}

/// Of an even number of values the middle of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_told_in_percent_of_what_was_before() {
        for (value, before, expected) in [
            (150.0, 100.0, 50.0),
            (50.0, 100.0, -50.0),
            (0.0, 100.0, -100.0),
            (100.0, 100.0, 0.0),
            (0.0, 0.0, 0.0),
            (-50.0, -100.0, 50.0),
            (1.0, 0.0, CHANGE_FROM_NOTHING_PCT),
            (-1.0, 0.0, -CHANGE_FROM_NOTHING_PCT),
        ] {
            assert_eq!(change_pct(value, before), expected, "{value} after {before}");
        }
    }

    #[test]
    fn an_outlier_has_a_high_score_and_an_ordinary_value_a_low_one() {
        let usual = [10.0, 12.0, 11.0, 9.0, 10.0, 11.0, 10.0];
        assert!(anomaly_score(11.0, &usual).unwrap() < 3.5);
        assert!(anomaly_score(40.0, &usual).unwrap() > 3.5);
        assert!(anomaly_score(0.0, &usual).unwrap() < -3.5);
        assert_eq!(anomaly_score(10.0, &[10.0; 9]), Some(0.0));
        assert_eq!(anomaly_score(10.1, &[10.0; 9]), Some(SCORE_OF_FIRST_CHANGE));
        assert_eq!(anomaly_score(99.0, &[1.0; 4]), None);
        let huge = [f64::MAX, f64::MIN, f64::MAX, f64::MIN, f64::MAX];
        assert!(anomaly_score(f64::MIN, &huge).unwrap().is_finite());
    }

    fn values(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
        pairs.iter().map(|(group, value)| ((*group).to_owned(), *value)).collect()
    }

    fn comparison(basis: Basis, direction: Direction) -> Comparison {
        Comparison { basis, direction, distance_us: 60 }
    }

    #[test]
    fn a_change_is_told_per_group_and_in_the_direction_that_is_bad() {
        let (now, before) = (values(&[("a", 30.0), ("new", 5.0)]), [values(&[("a", 10.0), ("gone", 8.0)])]);
        let up = comparison(Basis::Change, Direction::Up);
        assert_eq!(
            up.apply(now.clone(), &before, true),
            values(&[("a", 200.0), ("gone", -100.0), ("new", CHANGE_FROM_NOTHING_PCT)])
        );
        assert_eq!(
            up.apply(now.clone(), &before, false),
            values(&[("a", 200.0)]),
            "an average of nothing is none"
        );
        let down = comparison(Basis::Change, Direction::Down).apply(now.clone(), &before, true);
        assert_eq!(down["gone"], 100.0);
        assert_eq!(comparison(Basis::Change, Direction::Both).apply(now, &before, true)["gone"], 100.0);
    }

    #[test]
    fn only_what_was_not_there_before_is_new() {
        let new = comparison(Basis::New, Direction::Up);
        let found = new.apply(
            values(&[("a", 3.0), ("b", 2.0), ("c", 1.0)]),
            &[values(&[("a", 9.0), ("c", 0.0)])],
            true,
        );
        assert_eq!(found, values(&[("a", 0.0), ("b", 2.0), ("c", 1.0)]));
    }

    #[test]
    fn an_anomaly_needs_a_past() {
        let anomaly = comparison(Basis::Anomaly, Direction::Both);
        let past: Vec<_> =
            [10.0, 11.0, 9.0, 10.0, 12.0].iter().map(|value| values(&[("", *value)])).collect();
        assert!(anomaly.apply(values(&[("", 0.0)]), &past, true)[""] > 3.5);
        assert!(anomaly.apply(values(&[("", 0.0)]), &past[..3], true).is_empty());
    }

    #[test]
    fn the_earlier_windows_lie_where_they_are_said_to() {
        assert_eq!(comparison(Basis::Change, Direction::Up).earlier(100, 130), [(40, 70)]);
        assert_eq!(comparison(Basis::New, Direction::Up).earlier(100, 130), [(40, 100)]);
        assert_eq!(comparison(Basis::Anomaly, Direction::Up).earlier(1_000, 1_030).len(), 12);
        assert!(Comparison::NONE.earlier(100, 130).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_the_answers_are_finite(value: f64, before: f64, earlier: Vec<f64>) {
            prop_assert!(!value.is_finite() || !before.is_finite() || change_pct(value, before).is_finite());
            prop_assert!(anomaly_score(value, &earlier).is_none_or(f64::is_finite));
        }
    }
}
