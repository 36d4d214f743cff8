//! Expressions (§7.2 of the language) over one row.

use jiff::tz::TimeZone;

use super::event::Row;
use super::function;
use super::matcher::{Condition, needs_other_events};
use super::test::Test;
use super::value::Value;
use crate::Diagnostic;
use crate::ast::{BinaryOp, CompareOp, Expr, ExprNode, Field, Function, Literal, LiteralClass, Meaning};

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value<'static>),
    Field(Field),
    Negate(Box<Node>),
    /// An amount of time in nanoseconds, which is a number everywhere but beside a time.
    Duration(i64, f64),
    Arithmetic {
        op: BinaryOp,
        left: Box<Node>,
        right: Box<Node>,
    },
    Compare {
        op: BinaryOp,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        value: Box<Node>,
        list: Vec<Node>,
        negated: bool,
    },
    Condition(Box<Condition>),
    Call(function::Call),
}

impl Node {
    pub(super) fn of(expr: &Expr, zone: &TimeZone) -> Result<Self, Diagnostic> {
        let boxed = |expr: &Expr| Self::of(expr, zone).map(Box::new);
        Ok(match &expr.node {
            ExprNode::Literal(literal) => Self::of_literal(literal),
            ExprNode::Field(field) => Self::Field(field.clone()),
            ExprNode::Negate(inner) => Self::Negate(boxed(inner)?),
            ExprNode::Binary { op, left, right } if op.is_comparison() => {
                Self::Compare { op: *op, left: boxed(left)?, right: boxed(right)? }
            }
            ExprNode::Binary { op, left, right } => {
                Self::Arithmetic { op: *op, left: boxed(left)?, right: boxed(right)? }
            }
            ExprNode::In { value, negated, list } => {
                let list = list.iter().map(|item| Self::of(item, zone)).collect::<Result<_, _>>()?;
                Self::In { value: boxed(value)?, list, negated: *negated }
            }
            ExprNode::Call { function, arguments, .. } => {
                match condition_of_call(*function, arguments, zone)? {
                    Some(condition) => Self::Condition(Box::new(condition)),
                    None => Self::Call(function::Call::of(*function, arguments, zone)?),
                }
            }
            _ => Self::Condition(Box::new(Condition::of_expr(expr, zone)?)),
        })
    }

    fn of_literal(literal: &Literal) -> Self {
        Self::Constant(match &literal.class {
            LiteralClass::Text => Value::text(literal.text.clone()),
            LiteralClass::Number(number) => Value::number(number.value),
            LiteralClass::Duration(amount) => match amount.whole() {
                Some(nanos) => return Self::Duration(nanos, amount.in_unit(1)),
                None => Value::number(amount.in_unit(1)),
            },
            LiteralClass::Size(amount) => Value::number(amount.in_unit(1)),
            LiteralClass::Bool(value) => Value::Bool(*value),
            LiteralClass::Null => Value::Null,
            LiteralClass::Time(ns) => Value::Time(*ns),
            LiteralClass::Level(level) => Value::text(level.name()),
        })
    }

    pub(super) fn value<'a>(&self, row: &Row<'a>) -> Value<'a> {
        match self {
            Self::Constant(value) => value.clone(),
            Self::Duration(_, number) => Value::number(*number),
            Self::Field(field) => row.field(field),
            Self::Negate(inner) => {
                inner.value(row).to_number().map_or(Value::Null, |number| Value::number(-number))
            }
            Self::Arithmetic { op, left, right } => arithmetic(*op, left, right, row),
            Self::Compare { op, left, right } => {
                Value::Bool(compare(*op, &left.value(row), &right.value(row)))
            }
            Self::In { value, list, negated } => {
                let value = value.value(row);
                let found = list.iter().any(|item| compare(BinaryOp::Equal, &value, &item.value(row)));
                Value::Bool(found != *negated)
            }
            Self::Condition(condition) => Value::Bool(condition.holds(row)),
            Self::Call(call) => call.value(row),
        }
    }

    /// Only `true` is true.
    pub(super) fn is_true(&self, row: &Row) -> bool {
        match self.value(row) {
            Value::Bool(value) => value,
            Value::Json(json) => json.as_bool().unwrap_or(false),
            _ => false,
        }
    }
}

impl Condition {
    pub(super) fn of_expr(expr: &Expr, zone: &TimeZone) -> Result<Self, Diagnostic> {
        let all = |terms: &[Expr]| {
            terms.iter().map(|term| Self::of_expr(term, zone)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match &expr.node {
            ExprNode::And(terms) => Self::And(all(terms)?),
            ExprNode::Or(terms) => Self::Or(all(terms)?),
            ExprNode::Not(term) => Self::Not(Box::new(Self::of_expr(term, zone)?)),
            ExprNode::Predicate(predicate) => Self::of_predicate(predicate)?,
            ExprNode::InQuery { .. } => return Err(needs_other_events(expr.span)),
            ExprNode::Regex { value, negated, pattern } => {
                let condition = test_of(value, &Meaning::Regex(pattern.text.clone()), zone)?;
                if *negated { Self::Not(Box::new(condition)) } else { condition }
            }
            ExprNode::Call { function, arguments, .. } => {
                match condition_of_call(*function, arguments, zone)? {
                    Some(condition) => condition,
                    None => Self::True(Box::new(Node::of(expr, zone)?)),
                }
            }
            _ => Self::True(Box::new(Node::of(expr, zone)?)),
        })
    }
}

/// A predicate's test over an expression.
fn test_of(value: &Expr, meaning: &Meaning, zone: &TimeZone) -> Result<Condition, Diagnostic> {
    let test = Test::of(meaning);
    Ok(match &value.node {
        ExprNode::Field(field) => Condition::Field { field: field.clone(), test },
        _ => Condition::Value { value: Box::new(Node::of(value, zone)?), test },
    })
}

/// Functions that test their first argument against constants.
fn condition_of_call(
    function: Function,
    arguments: &[Expr],
    zone: &TimeZone,
) -> Result<Option<Condition>, Diagnostic> {
    let Some(first) = arguments.first() else { return Ok(None) };
    let Some(meaning) = function::meaning(function, arguments) else { return Ok(None) };
    let condition = test_of(first, &meaning, zone)?;
    Ok(Some(if function == Function::Missing { Condition::Not(Box::new(condition)) } else { condition }))
}

fn arithmetic<'a>(op: BinaryOp, left: &Node, right: &Node, row: &Row<'a>) -> Value<'a> {
    let (a, b) = (left.value(row), right.value(row));
    match (op, &a, &b, left, right) {
        (BinaryOp::Add, Value::Time(ns), _, _, Node::Duration(nanos, _))
        | (BinaryOp::Add, _, Value::Time(ns), Node::Duration(nanos, _), _) => {
            return ns.checked_add(*nanos).map_or(Value::Null, Value::Time);
        }
        (BinaryOp::Subtract, Value::Time(ns), _, _, Node::Duration(nanos, _)) => {
            return ns.checked_sub(*nanos).map_or(Value::Null, Value::Time);
        }
        (BinaryOp::Subtract, Value::Time(a), Value::Time(b), _, _) => {
            return Value::number((i128::from(*a) - i128::from(*b)) as f64 / 1e6);
        }
        _ => {}
    }
    let (Some(a), Some(b)) = (a.to_number(), b.to_number()) else { return Value::Null };
    Value::number(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        _ if b == 0.0 => return Value::Null,
        BinaryOp::Divide => a / b,
        // As ClickHouse computes it, so that the last digits agree.
        _ => a - (a / b).trunc() * b,
    })
}

/// As numbers when both have one, else as text; nothing compares with null, so `!=` is true there.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value) -> bool {
    if op == BinaryOp::NotEqual {
        return !compare(BinaryOp::Equal, a, b);
    }
    let ordering = match (a, b) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Time(_), _) | (_, Value::Time(_)) => a.to_time().zip(b.to_time()).map(|(a, b)| a.cmp(&b)),
        _ => match (a.to_number(), b.to_number()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => match (a.to_text(), b.to_text()) {
                (Some(a), Some(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
                _ => None,
            },
        },
    };
    ordering.is_some_and(|ordering| match op {
        BinaryOp::Compare(CompareOp::Less) => ordering.is_lt(),
        BinaryOp::Compare(CompareOp::LessOrEqual) => ordering.is_le(),
        BinaryOp::Compare(CompareOp::Greater) => ordering.is_gt(),
        BinaryOp::Compare(CompareOp::GreaterOrEqual) => ordering.is_ge(),
        _ => ordering.is_eq(),
    })
}
