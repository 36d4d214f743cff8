//! Expressions as text, with parentheses only where precedence needs them.

use super::filter::{colon, range};
use super::{list, literal, subquery};
use crate::ast::{BinaryOp, Expr, ExprNode, Function, LiteralClass, Predicate, Presence, Spelling, Test};
use crate::quote;

/// How tightly a node binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Atom,
}

pub(crate) fn expression(expr: &Expr) -> String {
    at_least(expr, Binding::Or)
}

fn at_least(expr: &Expr, wanted: Binding) -> String {
    let (text, binding) = written(expr);
    if binding < wanted { format!("({text})") } else { text }
}

fn written(expr: &Expr) -> (String, Binding) {
    match &expr.node {
        ExprNode::Literal(value) => {
            let negative = !value.quoted && value.text.starts_with('-');
            (literal(value), if negative { Binding::Sign } else { Binding::Atom })
        }
        ExprNode::Field(field) => (quote::column(&field.path), Binding::Atom),
        ExprNode::Negate(inner) => (format!("-{}", at_least(inner, Binding::Sign)), Binding::Sign),
        ExprNode::Binary { op, left, right } => binary(*op, left, right),
        ExprNode::And(terms) => (joined(terms, " and ", Binding::Not), Binding::And),
        ExprNode::Or(terms) => (joined(terms, " or ", Binding::And), Binding::Or),
        ExprNode::Not(inner) => (format!("not {}", at_least(inner, Binding::Not)), Binding::Not),
        ExprNode::Predicate(predicate) => (condition(predicate), Binding::Comparison),
        ExprNode::In { value, negated, list: items } => {
            let items = list(items, |item| at_least(item, Binding::Sum));
            (format!("{} {}in ({items})", at_least(value, Binding::Sum), not(*negated)), Binding::Comparison)
        }
        ExprNode::InQuery { value, negated, query } => {
            let value = at_least(value, Binding::Sum);
            (format!("{value} {}in {}", not(*negated), subquery(query)), Binding::Comparison)
        }
        ExprNode::Regex { value, negated, pattern } => {
            let operator = if *negated { "!~" } else { "=~" };
            let value = at_least(value, Binding::Sum);
            (format!("{value} {operator} {}", quote::string(&pattern.text)), Binding::Comparison)
        }
        ExprNode::Call { function, arguments, .. } => (call(*function, arguments), Binding::Atom),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

fn joined(terms: &[Expr], operator: &str, wanted: Binding) -> String {
    terms.iter().map(|term| at_least(term, wanted)).collect::<Vec<_>>().join(operator)
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> (String, Binding) {
    let (own, right_side) = match op {
        BinaryOp::Add | BinaryOp::Subtract => (Binding::Sum, Binding::Product),
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => (Binding::Product, Binding::Sign),
        _ => (Binding::Comparison, Binding::Sum),
    };
    let left_side = own.max(Binding::Sum);
    (format!("{} {} {}", at_least(left, left_side), op.text(), at_least(right, right_side)), own)
}

/// `field:value`; values of expressions are always behind a colon.
fn condition(predicate: &Predicate) -> String {
    let field = quote::column(&predicate.field.path);
    match &predicate.test {
        Test::Equals { value, spelling: Spelling::Colon } => colon(&field, &literal(value)),
        Test::Glob { text, .. } => colon(&field, text),
        Test::Compare { op, value } => format!("{field}:{}{}", op.text(), literal(value)),
        Test::Range { low, high, .. } => range(&field, low, high),
        Test::Exists(Presence::Star) => format!("{field}:*"),
        _ => super::filter::predicate(predicate, &field),
    }
}

fn call(function: Function, arguments: &[Expr]) -> String {
    let arguments = match (function, arguments) {
        // `bin(5m)` for short
        (Function::Bin, [Expr { node: ExprNode::Field(field), .. }, width])
            if field.path == "timestamp" && is_duration(width) =>
        {
            std::slice::from_ref(width)
        }
        (_, arguments) => arguments,
    };
    format!("{}({})", function.name(), list(arguments, expression))
}

fn is_duration(expr: &Expr) -> bool {
    matches!(&expr.node, ExprNode::Literal(value) if matches!(value.class, LiteralClass::Duration(_)))
}
