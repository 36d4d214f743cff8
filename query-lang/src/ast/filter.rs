//! Filters: what is true or false of one event.
//!
//! Value groups are already expanded: `f:(a OR b)` is the OR of two predicates. AND and OR nodes are flat (no AND
//! directly inside an AND) and have two terms or more.

use super::{Field, Glob, Level, Literal, Query, TextMatch};
use crate::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub node: FilterNode,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FilterNode {
    /// `*`: every event.
    All,
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// A word, phrase or pattern in `message`.
    Text(TextMatch),
    /// `*:word`: in message, source, host, trace_id, span_id or any attribute value.
    AnyText(TextMatch),
    Predicate(Box<Predicate>),
}

/// A statement about one field. False on events without the field, before `negated` is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    pub field: Field,
    /// From `!=`, `!~`, `not in`, `missing()`: the whole is turned round. `NOT` and `-` are nodes of their own.
    pub negated: bool,
    pub test: Test,
    /// *Checked*: what has to hold, with everything resolved.
    pub meaning: Option<Meaning>,
    pub span: Span,
}

/// How equality was written: `:` ignores letter case, `=` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Colon,
    Equals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A predicate as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Equals { value: Literal, spelling: Spelling },
    Glob { glob: Glob, text: String, span: Span },
    Compare { op: CompareOp, value: Literal },
    Range { low: Bound, high: Bound, span: Span },
    Regex(Literal),
    In(Vec<Literal>),
    InQuery(Box<Query>),
    Exists(Presence),
    Cidr(Vec<Literal>),
    Contains(Literal),
    StartsWith(Literal),
    EndsWith(Literal),
    Phrase(Literal),
}

/// `f:*`, or `exists(f)` and `missing(f)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Star,
    Function,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// `None` is `*`: open.
    pub value: Option<Literal>,
    pub inclusive: bool,
}

/// What a predicate asks, after `check`. One element of a multi-valued field has to satisfy all of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// The field, or anything below its path, is present.
    Present,
    /// The level is one of these; a missing level never is.
    Levels(LevelSet),
    /// The time lies in this span.
    Time(TimeSpan),
    /// Text is found in the field's text, as in `message`.
    Text(TextMatch),
    /// The field's text is one of these; `fold` ignores letter case.
    Equals {
        texts: Vec<String>,
        fold: bool,
    },
    /// The whole text fits the pattern, ignoring letter case; `*` crosses line ends.
    Glob(Glob),
    /// The field's number (numeric strings count) lies in the interval.
    Numbers(Interval<f64>),
    /// The field holds a string, and it lies in the interval by its bytes.
    Strings(Interval<String>),
    /// A duration or size: text with a unit, else the number in the field's own unit.
    Amounts(Amounts),
    /// RE2 syntax, unanchored, letter case counts.
    Regex(String),
    /// An address inside one of these networks, in canonical form `address/prefix`.
    Networks(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    /// The field's text is a value of the only column of the subquery in `Test::InQuery`.
    InQuery,
    /// One of several, from lists that mix classes.
    AnyOf(Vec<Meaning>),
}

/// `None` is open at that end.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval<T> {
    pub low: Option<Limit<T>>,
    pub high: Option<Limit<T>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limit<T> {
    pub value: T,
    pub inclusive: bool,
}

/// The same interval twice: in nanoseconds or bytes for text with a unit, and in the field's unit for plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Amounts {
    pub dimension: super::Dimension,
    pub base: Interval<f64>,
    pub in_unit: Interval<f64>,
}

/// `[from, to)` in nanoseconds since 1970; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    pub from_ns: Option<i64>,
    pub to_ns: Option<i64>,
}

/// A set of levels.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelSet(u8);

impl LevelSet {
    pub fn holds(self, level: Level) -> bool {
        self.0 & (1 << level as u8) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(move |level| self.holds(*level))
    }
}

impl FromIterator<Level> for LevelSet {
    fn from_iter<I: IntoIterator<Item = Level>>(levels: I) -> Self {
        Self(levels.into_iter().fold(0, |bits, level| bits | 1 << level as u8))
    }
}

impl std::fmt::Debug for LevelSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Level::name)).finish()
    }
}

impl CompareOp {
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The interval of values that stand in this relation to `value`.
    pub fn interval<T>(self, value: T) -> Interval<T> {
        let inclusive = matches!(self, Self::LessOrEqual | Self::GreaterOrEqual);
        let limit = Some(Limit { value, inclusive });
        match self {
            Self::Less | Self::LessOrEqual => Interval { low: None, high: limit },
            Self::Greater | Self::GreaterOrEqual => Interval { low: limit, high: None },
        }
    }
}

impl<T> Interval<T> {
    pub fn map<U>(self, mut convert: impl FnMut(T) -> U) -> Interval<U> {
        let mut limit = |end: Option<Limit<T>>| {
            end.map(|Limit { value, inclusive }| Limit { value: convert(value), inclusive })
        };
        Interval { low: limit(self.low), high: limit(self.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_set_keeps_the_order_of_severity() {
        let set: LevelSet = [Level::Fatal, Level::Warn].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Level::Warn, Level::Fatal]);
        assert!(!set.holds(Level::Error));
    }
}
