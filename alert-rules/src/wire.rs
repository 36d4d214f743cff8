//! From a rule as its author wrote it to what the state machine knows of it: one reading for the server and for the browser.

use crate::{Basis, Comparison, Condition, Direction, Micros, NoData, Op, Rule, Windows, duration};
use api_types::alerts as wire;

/// Groups that one rule watches; more are counted.
pub const GROUP_CAP: usize = 1_000;
const DAY_US: Micros = 86_400 * duration::SECOND_US;

/// The state machine's part of a rule. Whether there are groups is told by the query.
///
/// # Errors
/// A duration or an operator that is none.
pub fn rule_of(wire: &wire::AlertRuleRequest, grouped: bool) -> Result<Rule, String> {
    let renotify = duration::parse(&wire.renotify)?;
    let op = match comparison_of(wire)?.basis {
        Basis::Itself => wire.condition.op.parse()?,
        Basis::Change | Basis::Anomaly | Basis::New => Op::Above,
    };
    Ok(Rule {
        condition: Condition { op, threshold: wire.condition.threshold },
        recovery_threshold: wire.recovery_threshold,
        for_us: duration::parse(&wire.for_)?,
        keep_firing_for_us: duration::parse(&wire.keep_firing_for)?,
        windows: Windows { needed: wire.windows.needed, of: wire.windows.of },
        no_data: match wire.no_data {
            wire::NoData::Ok => NoData::Ok,
            wire::NoData::Alert => NoData::Alert,
            wire::NoData::Keep => NoData::Keep,
        },
        renotify_us: (renotify > 0).then_some(renotify),
        each_match_per_hour: wire.each_match_per_hour,
        grouped,
        group_cap: GROUP_CAP,
    })
}

/// What is compared with the threshold: the value itself, or its distance from others.
///
/// # Errors
/// A baseline or a direction that is none, or one where there can be none.
pub fn comparison_of(wire: &wire::AlertRuleRequest) -> Result<Comparison, String> {
    let condition = &wire.condition;
    let basis = match condition.op.as_str() {
        "change_pct" => Basis::Change,
        "anomaly" => Basis::Anomaly,
        "new" => Basis::New,
        _ => Basis::Itself,
    };
    let direction = match (basis, condition.direction.as_deref().filter(|text| !text.is_empty())) {
        (_, None) => Direction::Up,
        (Basis::Change | Basis::Anomaly, Some("up")) => Direction::Up,
        (Basis::Change | Basis::Anomaly, Some("down")) => Direction::Down,
        (Basis::Change | Basis::Anomaly, Some("both")) => Direction::Both,
        (Basis::Change | Basis::Anomaly, Some(other)) => {
            return Err(format!("`{other}` is not one of up, down, both"));
        }
        (Basis::Itself | Basis::New, Some(_)) => {
            return Err("a direction goes with change_pct and anomaly only".into());
        }
    };
    let distance_us = match (basis, condition.baseline.as_deref().filter(|text| !text.is_empty())) {
        (Basis::Itself, None) => 0,
        (Basis::Itself, Some(_)) => {
            return Err("a baseline goes with change_pct, anomaly and new only".into());
        }
        (Basis::New, None) => 7 * DAY_US,
        (Basis::Change | Basis::Anomaly, None | Some("before")) => duration::parse(&wire.window)?,
        (_, Some(text)) => duration::parse(text)?,
    };
    if basis != Basis::Itself && !(duration::SECOND_US..=31 * DAY_US).contains(&distance_us) {
        return Err("the baseline must be between 1s and 31d".into());
    }
    Ok(Comparison { basis, direction, distance_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(condition: &str) -> wire::AlertRuleRequest {
        let text = format!(r#"{{"name": "r", "query": "*", "window": "10m", "condition": {condition}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_comparison_is_read_from_the_condition() {
        let minutes = |minutes: i64| minutes * 60 * duration::SECOND_US;
        for (condition, basis, direction, distance) in [
            (r#"{"op": ">", "threshold": 1}"#, Basis::Itself, Direction::Up, 0),
            (r#"{"op": "change_pct", "threshold": 50}"#, Basis::Change, Direction::Up, minutes(10)),
            (
                r#"{"op": "change_pct", "threshold": 50, "baseline": "before", "direction": "down"}"#,
                Basis::Change,
                Direction::Down,
                minutes(10),
            ),
            (
                r#"{"op": "change_pct", "threshold": 50, "baseline": "1w"}"#,
                Basis::Change,
                Direction::Up,
                7 * DAY_US,
            ),
            (
                r#"{"op": "anomaly", "threshold": 3.5, "direction": "both"}"#,
                Basis::Anomaly,
                Direction::Both,
                minutes(10),
            ),
            (r#"{"op": "new", "threshold": 0}"#, Basis::New, Direction::Up, 7 * DAY_US),
        ] {
            let found = comparison_of(&rule(condition)).unwrap();
            assert_eq!(found, Comparison { basis, direction, distance_us: distance }, "{condition}");
            assert!(rule_of(&rule(condition), false).is_ok());
        }
        for wrong in [
            r#"{"op": ">", "threshold": 1, "baseline": "1d"}"#,
            r#"{"op": ">", "threshold": 1, "direction": "up"}"#,
            r#"{"op": "new", "threshold": 1, "direction": "up"}"#,
            r#"{"op": "change_pct", "threshold": 1, "direction": "sideways"}"#,
            r#"{"op": "change_pct", "threshold": 1, "baseline": "a week"}"#,
            r#"{"op": "change_pct", "threshold": 1, "baseline": "90d"}"#,
        ] {
            assert!(comparison_of(&rule(wrong)).is_err(), "{wrong}");
        }
        assert!(rule_of(&rule(r#"{"op": "=>", "threshold": 1}"#), false).is_err());
    }
}
