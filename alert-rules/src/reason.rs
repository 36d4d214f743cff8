//! Why a transition happened, in the words of the history page and the notification.

use crate::{Rule, duration};

/// A number as people write it: no trailing zeros, at most three decimals.
pub fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub fn breach(value: f64, rule: &Rule) -> String {
    let mut text = format!("{} {} {}", number(value), rule.condition.op, number(rule.condition.threshold));
    if rule.windows.of > 1 {
        text.push_str(&format!(", in {} of the last {} windows", rule.windows.needed, rule.windows.of));
    }
    text
}

pub fn held(text: String, rule: &Rule) -> String {
    match rule.for_us {
        0 => text,
        for_us => format!("{text}, for {}", duration::format(for_us)),
    }
}

pub fn well(value: f64, rule: &Rule) -> String {
    let threshold = rule.recovery_threshold.unwrap_or(rule.condition.threshold);
    format!("{} is no longer {} {}", number(value), rule.condition.op, number(threshold))
}

pub const NO_DATA: &str = "no data";
pub const NO_MORE_DATA: &str = "nothing matches any more";
pub const GONE: &str = "no longer a group of this rule";
pub const FORGOTTEN: &str = "not seen for 24 hours, no longer watched";
pub const RESTORED: &str = "the rule can be evaluated again";
