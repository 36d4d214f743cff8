//! Functions over the rows of a group. States of parts of a group can be put together.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::order;
use super::rows::Position;
use crate::Diagnostic;
use crate::ast::{Aggregate, AggregateFunction as F, Kind, Level, Literal, LiteralClass};
use crate::eval::event::Row;
use crate::eval::expression::Node;
use crate::eval::matcher::Condition;
use crate::eval::value::Value;

/// Values that `values` and `list` keep when nobody says how many.
const VALUES: usize = 100;
/// Different values that `values` looks at.
const VALUES_SEEN: usize = 10_000;

/// An aggregate made ready.
#[derive(Clone, Debug)]
pub(super) struct Aggregator {
    function: F,
    argument: Option<Node>,
    /// All of these have to hold for a row to count.
    conditions: Vec<Condition>,
    kind: Kind,
    /// The share of percentiles; the most values of `values` and `list`.
    parameter: f64,
    seconds: f64,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    Count(u64),
    Distinct(HashSet<Box<str>>),
    Sum { count: u64, sum: f64 },
    Ends(Option<(f64, f64)>),
    Times(Option<(i64, i64)>),
    Levels(Option<(Level, Level)>),
    Numbers(Vec<f64>),
    Spread { count: f64, mean: f64, squares: f64 },
    At(Option<(Position, Value<'static>)>),
    Texts(BTreeSet<String>),
    List(Vec<(Position, String)>),
    Counts(HashMap<String, u64>),
}

impl Aggregator {
    pub(super) fn of(aggregate: &Aggregate, seconds: f64, zone: &TimeZone) -> Result<Self, Diagnostic> {
        let mut conditions = Vec::new();
        if let Some(condition) = &aggregate.condition {
            conditions.push(Condition::of_expr(condition, zone)?);
        }
        let mut argument = None;
        match &aggregate.argument {
            Some(expr) if aggregate.function == F::CountIf => {
                conditions.push(Condition::of_expr(expr, zone)?)
            }
            Some(expr) => argument = Some(Node::of(expr, zone)?),
            None => {}
        }
        Ok(Self {
            function: aggregate.function,
            argument,
            conditions,
            kind: aggregate.argument.as_ref().map_or(Kind::Any, |argument| argument.kind),
            parameter: parameter(aggregate.function, aggregate.parameter.as_ref()),
            seconds,
        })
    }

    /// A function of one argument, or of none, without conditions.
    pub(super) fn plain(function: F, argument: Option<Node>, kind: Kind, parameter: f64) -> Self {
        Self { function, argument, conditions: Vec::new(), kind, parameter, seconds: 1.0 }
    }

    pub(super) fn start(&self) -> State {
        match self.function {
            F::Count | F::CountIf => State::Count(0),
            F::Rate if self.argument.is_none() => State::Count(0),
            F::DistinctCount => State::Distinct(HashSet::new()),
            F::Sum | F::Average | F::Rate => State::Sum { count: 0, sum: 0.0 },
            F::Min | F::Max if self.kind == Kind::Time => State::Times(None),
            F::Min | F::Max if self.kind == Kind::Level => State::Levels(None),
            F::Min | F::Max | F::Range => State::Ends(None),
            F::Percentile => State::Numbers(Vec::new()),
            F::Stddev | F::Variance => State::Spread { count: 0.0, mean: 0.0, squares: 0.0 },
            F::First | F::Last => State::At(None),
            F::Values => State::Texts(BTreeSet::new()),
            F::List => State::List(Vec::new()),
            F::Mode => State::Counts(HashMap::new()),
        }
    }

    pub(super) fn add(&self, state: &mut State, row: &Row, position: Position) {
        if !self.conditions.iter().all(|condition| condition.holds(row)) {
            return;
        }
        match &self.argument {
            Some(argument) => self.add_value(state, &argument.value(row), position),
            None => {
                if let State::Count(count) = state {
                    *count += 1;
                }
            }
        }
    }

    fn add_value(&self, state: &mut State, value: &Value, position: Position) {
        if !value.is_present() {
            return;
        }
        match state {
            State::Count(count) => *count += 1,
            State::Distinct(seen) => {
                let text = value.to_text().unwrap_or_default();
                if !seen.contains(text.as_ref()) {
                    seen.insert(text.into());
                }
            }
            State::Sum { .. } | State::Ends(_) | State::Numbers(_) | State::Spread { .. } => {
                if let Some(number) = value.to_number() {
                    state.add_number(number);
                }
            }
            State::Times(ends) => {
                if let Value::Time(ns) = value {
                    let (low, high) = ends.unwrap_or((*ns, *ns));
                    *ends = Some((low.min(*ns), high.max(*ns)));
                }
            }
            State::Levels(ends) => {
                if let Value::Level(level) = value {
                    let (low, high) = ends.unwrap_or((*level, *level));
                    *ends = Some((low.min(*level), high.max(*level)));
                }
            }
            State::At(found) => {
                if found.as_ref().is_none_or(|(known, _)| self.is_better(position, *known)) {
                    *found = Some((position, kept(value)));
                }
            }
            State::Texts(texts) if texts.len() < VALUES_SEEN.max(self.parameter as usize) => {
                texts.insert(value.to_text().unwrap_or_default().into_owned());
            }
            State::Texts(_) => {}
            State::List(list) => {
                list.push((position, value.to_text().unwrap_or_default().into_owned()));
                self.shorten(list);
            }
            State::Counts(counts) => {
                let text = value.to_text().unwrap_or_default();
                match counts.get_mut(text.as_ref()) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(text.into_owned(), 1)),
                }
            }
        }
    }

    fn is_better(&self, new: Position, known: Position) -> bool {
        if self.function == F::First { new < known } else { new >= known }
    }

    /// Only the earliest of a list are shown.
    fn shorten(&self, list: &mut Vec<(Position, String)>) {
        let most = self.parameter as usize;
        if list.len() > 2 * most + 100 {
            list.sort();
            list.truncate(most);
        }
    }

    pub(super) fn merge(&self, into: &mut State, other: State) {
        match (into, other) {
            (State::Count(a), State::Count(b)) => *a += b,
            (State::Distinct(a), State::Distinct(b)) => a.extend(b),
            (State::Sum { count, sum }, State::Sum { count: more, sum: with }) => {
                *count += more;
                *sum += with;
            }
            (State::Ends(a), State::Ends(Some((low, high)))) => {
                *a = Some(a.map_or((low, high), |(l, h)| (l.min(low), h.max(high))));
            }
            (State::Times(a), State::Times(Some((low, high)))) => {
                *a = Some(a.map_or((low, high), |(l, h)| (l.min(low), h.max(high))));
            }
            (State::Levels(a), State::Levels(Some((low, high)))) => {
                *a = Some(a.map_or((low, high), |(l, h)| (l.min(low), h.max(high))));
            }
            (State::Numbers(a), State::Numbers(b)) => a.extend(b),
            (a @ State::Spread { .. }, State::Spread { count, mean, squares }) => {
                a.join_spread(count, mean, squares);
            }
            (State::At(a), State::At(Some((position, value))))
                if a.as_ref().is_none_or(|(known, _)| self.is_better(position, *known)) =>
            {
                *a = Some((position, value));
            }
            (State::Texts(a), State::Texts(b)) => a.extend(b),
            (State::List(a), State::List(b)) => {
                a.extend(b);
                self.shorten(a);
            }
            (State::Counts(a), State::Counts(b)) => {
                for (text, count) in b {
                    *a.entry(text).or_default() += count;
                }
            }
            // The other one has seen no value, or no better one.
            _ => {}
        }
    }

    pub(super) fn finish(&self, state: &State) -> Value<'static> {
        match state {
            State::Count(count) if self.function == F::Rate => Value::number(*count as f64 / self.seconds),
            State::Count(count) => Value::Number(*count as f64),
            State::Distinct(seen) => Value::Number(seen.len() as f64),
            State::Sum { sum, .. } if self.function == F::Rate => Value::number(sum / self.seconds),
            State::Sum { count: 0, .. } => Value::Null,
            State::Sum { count, sum } if self.function == F::Average => Value::number(sum / *count as f64),
            State::Sum { sum, .. } => Value::number(*sum),
            State::Ends(ends) => ends.map_or(Value::Null, |(low, high)| match self.function {
                F::Min => Value::number(low),
                F::Max => Value::number(high),
                _ => Value::number(high - low),
            }),
            State::Times(ends) => ends.map_or(Value::Null, |(low, high)| Value::Time(self.end(low, high))),
            State::Levels(ends) => ends.map_or(Value::Null, |(low, high)| Value::Level(self.end(low, high))),
            State::Numbers(numbers) => quantile(numbers, self.parameter),
            State::Spread { count, squares, .. } if *count > 1.0 => {
                let variance = squares / (count - 1.0);
                Value::number(if self.function == F::Stddev { variance.sqrt() } else { variance })
            }
            State::Spread { .. } => Value::Null,
            State::At(found) => found.as_ref().map_or(Value::Null, |(_, value)| value.clone()),
            State::Texts(texts) => {
                let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                texts.sort_by(|a, b| order::texts(a, b));
                array(texts.into_iter().take(self.parameter as usize))
            }
            State::List(list) => {
                let mut list: Vec<&(Position, String)> = list.iter().collect();
                list.sort();
                array(list.into_iter().take(self.parameter as usize).map(|(_, text)| text.as_str()))
            }
            State::Counts(counts) => {
                let most = counts.iter().min_by(|(a, n), (b, m)| m.cmp(n).then_with(|| order::texts(a, b)));
                most.map_or(Value::Null, |(text, _)| Value::text(text.clone()))
            }
        }
    }

    fn end<T>(&self, low: T, high: T) -> T {
        if self.function == F::Min { low } else { high }
    }
}

impl State {
    fn add_number(&mut self, number: f64) {
        match self {
            Self::Sum { count, sum } => {
                *count += 1;
                *sum += number;
            }
            Self::Ends(ends) => {
                let (low, high) = ends.unwrap_or((number, number));
                *ends = Some((low.min(number), high.max(number)));
            }
            Self::Numbers(numbers) => numbers.push(number),
            Self::Spread { .. } => self.join_spread(1.0, number, 0.0),
            _ => {}
        }
    }

    /// Chan's way of putting two variances together.
    fn join_spread(&mut self, more: f64, other_mean: f64, other_squares: f64) {
        let Self::Spread { count, mean, squares } = self else { return };
        let both = *count + more;
        if both > 0.0 {
            let apart = other_mean - *mean;
            *squares += other_squares + apart * apart * *count * more / both;
            *mean += apart * more / both;
            *count = both;
        }
    }

    pub(super) fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            _ => &[],
        }
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Count(count) => *count,
            _ => 0,
        }
    }
}

fn parameter(function: F, literal: Option<&Literal>) -> f64 {
    match literal.map(|literal| &literal.class) {
        Some(LiteralClass::Number(number)) if function == F::Percentile => number.value / 100.0,
        Some(LiteralClass::Number(number)) => number.value.max(0.0),
        _ => VALUES as f64,
    }
}

/// Linear between the two values around the rank.
fn quantile(numbers: &[f64], share: f64) -> Value<'static> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Value::Null };
    let rank = share * last as f64;
    let below = (rank.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Value::number(sorted[below] + (sorted[above] - sorted[below]) * (rank - below as f64))
}

pub(super) fn median(numbers: &[f64]) -> Option<f64> {
    quantile(numbers, 0.5).to_number()
}

/// Times, numbers and booleans keep their type, everything else is text.
fn kept(value: &Value) -> Value<'static> {
    match value {
        Value::Time(_) | Value::Number(_) | Value::Bool(_) => value.clone().into_owned(),
        _ => value.as_text().into_owned(),
    }
}

fn array<'t>(texts: impl Iterator<Item = &'t str>) -> Value<'static> {
    Value::owned(Json::Array(texts.map(|text| Json::String(text.to_owned())).collect()))
}
