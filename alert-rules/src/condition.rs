//! When a value is bad.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    #[serde(rename = ">")]
    Above,
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
}

impl Op {
    pub const ALL: [Self; 6] =
        [Self::Above, Self::AtLeast, Self::Below, Self::AtMost, Self::Equal, Self::NotEqual];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether larger values are worse (`Some(true)`), smaller ones (`Some(false)`), or neither.
    #[must_use]
    pub fn larger_is_worse(self) -> Option<bool> {
        match self {
            Self::Above | Self::AtLeast => Some(true),
            Self::Below | Self::AtMost => Some(false),
            Self::Equal | Self::NotEqual => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Op {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|op| op.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not one of > >= < <= == !="))
    }
}

/// `value op threshold` is bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub op: Op,
    pub threshold: f64,
}

impl Condition {
    #[must_use]
    #[allow(clippy::float_cmp, reason = "`==` on what the person wrote is what they asked for")]
    pub fn breaches(&self, value: f64) -> bool {
        match self.op {
            Op::Above => value > self.threshold,
            Op::AtLeast => value >= self.threshold,
            Op::Below => value < self.threshold,
            Op::AtMost => value <= self.threshold,
            Op::Equal => value == self.threshold,
            Op::NotEqual => value != self.threshold,
        }
    }

    /// Of two values, the one that is worse for this condition.
    #[must_use]
    pub fn worse(&self, one: f64, other: f64) -> f64 {
        match self.op.larger_is_worse() {
            Some(true) => one.max(other),
            Some(false) => one.min(other),
            None if self.breaches(one) => one,
            None => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_does_what_it_says_at_its_border() {
        let at = |op: &str| Condition { op: op.parse().unwrap(), threshold: 10.0 };
        for (op, below, equal, above) in [
            (">", false, false, true),
            (">=", false, true, true),
            ("<", true, false, false),
            ("<=", true, true, false),
            ("==", false, true, false),
            ("!=", true, false, true),
        ] {
            let found = [9.0, 10.0, 11.0].map(|value| at(op).breaches(value));
            assert_eq!(found, [below, equal, above], "{op}");
        }
        assert!("=".parse::<Op>().is_err());
    }
}
