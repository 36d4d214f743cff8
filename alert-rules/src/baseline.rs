//! What a value is against those before it: for the conditions `change_pct` and `anomaly`.
//!
//! Both give a number that an ordinary condition can be applied to, so the state machine needs to know nothing of them.
//! The median and the score are those of the query language's `anomaly` stage.

/// A change from nothing to something has no percentage; it counts as this much.
pub const CHANGE_FROM_NOTHING_PCT: f64 = 1_000_000.0;
/// A value that differs where all before it were equal has no score; it counts as this much.
pub const SCORE_OF_FIRST_CHANGE: f64 = 1_000.0;
/// With fewer values before it, nothing is an anomaly.
pub const FEWEST_EARLIER: usize = 5;

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

    proptest! {
        #[test]
        fn whatever_the_numbers_the_answers_are_finite(value: f64, before: f64, earlier: Vec<f64>) {
            prop_assert!(!value.is_finite() || !before.is_finite() || change_pct(value, before).is_finite());
            prop_assert!(anomaly_score(value, &earlier).is_none_or(f64::is_finite));
        }
    }
}
