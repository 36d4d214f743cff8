//! Stages that group: stats, timechart, top, percentiles, and the columns they make.

use super::scope::{Scope, TimeBin};
use super::{Check, Checker, duplicate};
use crate::ast::{
    Absent, Aggregate, AggregateFunction, Bin, BinUnit, Column, Expr, ExprNode, Function, Key, Kind, Literal,
    LiteralClass, Name, Role,
};
use crate::{Code, Diagnostic, Span, limits};

/// Widths that a time axis is cut in when none is asked for.
const STEPS: [(BinUnit, i64); 18] = [
    (BinUnit::Second, 1),
    (BinUnit::Second, 2),
    (BinUnit::Second, 5),
    (BinUnit::Second, 10),
    (BinUnit::Second, 15),
    (BinUnit::Second, 30),
    (BinUnit::Minute, 1),
    (BinUnit::Minute, 2),
    (BinUnit::Minute, 5),
    (BinUnit::Minute, 10),
    (BinUnit::Minute, 15),
    (BinUnit::Minute, 30),
    (BinUnit::Hour, 1),
    (BinUnit::Hour, 2),
    (BinUnit::Hour, 3),
    (BinUnit::Hour, 6),
    (BinUnit::Hour, 12),
    (BinUnit::Day, 1),
];
const MOST_DEFAULT_BINS: i64 = 120;

impl Checker<'_> {
    /// Keys, then aggregates; names are distinct.
    pub(super) fn grouped(
        &mut self,
        aggregates: &mut [Aggregate],
        keys: &mut [Key],
        scope: &Scope,
    ) -> Check<Scope> {
        let mut names: Vec<String> = Vec::new();
        let mut measures = Vec::new();
        for aggregate in aggregates {
            measures.push(self.aggregate(aggregate, scope)?);
            distinct(&mut names, &aggregate.name)?;
        }
        let mut columns = Vec::new();
        let mut time_bin = None;
        for key in keys {
            let column = self.key(key, scope)?;
            distinct(&mut names, &key.name)?;
            if let Some(bin) = bin_of_key(key) {
                time_bin.get_or_insert(TimeBin { column: column.name.clone(), bin });
            }
            columns.push(column);
        }
        columns.extend(measures);
        Ok(Scope::Table { columns, bin: time_bin })
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate, scope: &Scope) -> Check<Column> {
        let argument = match &mut aggregate.argument {
            Some(argument) => Some(self.expression(argument, scope)?),
            None => None,
        };
        if let Some(condition) = &mut aggregate.condition {
            self.expression(condition, scope)?;
        }
        if let Some(parameter) = &aggregate.parameter {
            parameter_in_bounds(aggregate.function, parameter)?;
        }
        let (kind, absent) = result(aggregate.function, argument);
        Ok(Column { name: aggregate.name.text.clone(), kind, role: Role::Measure, absent })
    }

    pub(super) fn key(&mut self, key: &mut Key, scope: &Scope) -> Check<Column> {
        let kind = self.expression(&mut key.value, scope)?;
        let kind = if kind == Kind::Any { Kind::Text } else { kind }; // attributes are grouped by their text
        let role = if kind == Kind::Time { Role::Time } else { Role::Key };
        Ok(Column { name: key.name.text.clone(), kind, role, absent: Absent::Null })
    }

    /// The width of the time axis: what was asked for, or the smallest that gives a readable chart.
    pub(super) fn step(&self, every: Option<&Literal>, name: Span) -> Check<Bin> {
        let range = self.context.to_ns.saturating_sub(self.context.from_ns).max(1);
        let Some(every) = every else {
            let fits = |bin: &Bin| range / bin.nanos() <= MOST_DEFAULT_BINS;
            let steps = STEPS.into_iter().map(|(unit, count)| Bin { unit, count });
            let week = Bin { unit: BinUnit::Week, count: 1 };
            let bin = steps.into_iter().find(fits).unwrap_or(Bin { unit: BinUnit::Day, count: 1 });
            return if range / bin.nanos() <= limits::BINS { Ok(bin) } else { bounded(week, range, name) };
        };
        bounded(super::function::time_bin(every)?, range, every.span)
    }
}

/// E026 for a time axis with too many bins.
pub(super) fn bounded(bin: Bin, range: i64, span: Span) -> Check<Bin> {
    if range / bin.nanos() <= limits::BINS {
        return Ok(bin);
    }
    let message = format!("this makes more than {} bins", limits::BINS);
    Err(Diagnostic::error(Code::E026, span, message).hint("use wider bins, or a shorter time range"))
}

/// The width, if the key is a bin of time.
fn bin_of_key(key: &Key) -> Option<Bin> {
    let ExprNode::Call { function: Function::Bin, arguments, .. } = &key.value.node else { return None };
    match arguments.as_slice() {
        [Expr { kind: Kind::Time, .. }, Expr { node: ExprNode::Literal(width), .. }] => {
            super::function::time_bin(width).ok()
        }
        _ => None,
    }
}

pub(super) fn distinct(names: &mut Vec<String>, name: &Name) -> Check {
    if names.contains(&name.text) {
        return Err(duplicate(&name.text, name.span));
    }
    names.push(name.text.clone());
    Ok(())
}

fn parameter_in_bounds(function: AggregateFunction, parameter: &Literal) -> Check {
    let LiteralClass::Number(number) = &parameter.class else { return Ok(()) };
    if function == AggregateFunction::Percentile {
        return match number.value > 0.0 && number.value < 100.0 {
            true => Ok(()),
            false => {
                Err(Diagnostic::error(Code::E021, parameter.span, "a percentile lies between 0 and 100"))
            }
        };
    }
    let most = limits::ROWS as f64;
    match number.value {
        value if value.fract() != 0.0 || value < 1.0 => Err(Diagnostic::error(
            Code::E021,
            parameter.span,
            "the number of values is a whole number above 0",
        )),
        value if value > most => {
            Err(Diagnostic::error(Code::E026, parameter.span, format!("at most {most} values")))
        }
        _ => Ok(()),
    }
}

/// What the aggregate gives, also over nothing.
fn result(function: AggregateFunction, argument: Option<Kind>) -> (Kind, Absent) {
    use AggregateFunction as A;
    let value = argument.unwrap_or_default();
    match function {
        A::Count | A::CountIf | A::DistinctCount | A::Rate => (Kind::Number, Absent::Zero),
        A::Sum => (Kind::Number, Absent::ZeroWhenCompared),
        A::Min | A::Max if value == Kind::Time => (Kind::Time, Absent::Null),
        A::Average | A::Min | A::Max | A::Range | A::Percentile | A::Stddev | A::Variance => {
            (Kind::Number, Absent::Null)
        }
        A::First | A::Last | A::Mode => (if value == Kind::Any { Kind::Text } else { value }, Absent::Null),
        A::Values | A::List => (Kind::Array, Absent::Null),
    }
}
