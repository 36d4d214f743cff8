//! What rows are grouped by.

use regex::Regex;

use super::Range;
use crate::Diagnostic;
use crate::ast::{Bin, Expr, ExprNode, Field, Function, Key, Kind, Literal, LiteralClass, Target, bin_of};
use crate::eval::event::Row;
use crate::eval::expression::Node;
use crate::eval::function::start_of;
use crate::eval::value::Value;

#[derive(Clone, Debug)]
pub(super) enum KeyPlan {
    Value {
        node: Node,
        as_text: bool,
        required: bool,
    },
    Bin(Bin),
    /// The first line of a text with what varies replaced.
    Masked {
        field: Field,
        masks: Vec<(Regex, &'static str)>,
    },
}

impl KeyPlan {
    /// Nothing when the row is in no group.
    pub(super) fn value<'a>(&self, row: &Row<'a>, range: &Range) -> Option<Value<'a>> {
        match self {
            Self::Value { node, as_text, required } => {
                let value = node.value(row);
                let value = if *as_text { value.as_text() } else { value };
                Some(value).filter(|value| !required || value.is_present())
            }
            Self::Bin(bin) => {
                let start = start_of(*bin, row.event.timestamp_ns, &range.zone);
                Some(start.map_or(Value::Null, Value::Time))
            }
            Self::Masked { field, masks } => {
                let value = row.field(field);
                let text = value.to_text()?;
                let line = text.split('\n').next().unwrap_or_default();
                let masked = masks.iter().fold(line.to_owned(), |text, (pattern, mask)| {
                    pattern.replace_all(&text, *mask).into_owned()
                });
                Some(Value::text(masked))
            }
        }
    }
}

/// Attributes are grouped by their text, everything computed by its value.
pub(super) fn keys_of(keys: &[Key], range: &Range) -> Result<Vec<KeyPlan>, Diagnostic> {
    let plan = |key: &Key| {
        let as_text = matches!(&key.value.node,
            ExprNode::Field(field) if matches!(field.target, Target::Attribute(_)));
        Ok(KeyPlan::Value { node: Node::of(&key.value, &range.zone)?, as_text, required: false })
    };
    keys.iter().map(plan).collect()
}

/// Levels keep their order; everything else is a text.
pub(super) fn texts_of(fields: &[Field], required: bool) -> Vec<KeyPlan> {
    let plan = |field: &Field| KeyPlan::Value {
        node: Node::Field(field.clone()),
        as_text: field.kind == Kind::Any,
        required,
    };
    fields.iter().map(plan).collect()
}

/// How many seconds a group covers: its time bin, or the whole range.
pub(super) fn seconds_per_group(keys: &[Key], range: &Range) -> f64 {
    let bin = keys.iter().find_map(|key| time_bin(&key.value));
    let nanos = bin.map_or(range.to_ns.saturating_sub(range.from_ns), Bin::nanos);
    (nanos as f64 / 1e9).max(1e-9)
}

fn time_bin(expr: &Expr) -> Option<Bin> {
    let ExprNode::Call { function: Function::Bin, arguments, .. } = &expr.node else { return None };
    match &arguments.last()?.node {
        ExprNode::Literal(Literal { class: LiteralClass::Duration(amount), .. }) => bin_of(*amount),
        _ => None,
    }
}

pub(super) fn masks() -> Vec<(Regex, &'static str)> {
    let compile = |(pattern, mask): (&str, &'static str)| {
        let pattern = crate::re2::compile(pattern).expect("constants that a test compiles");
        (pattern, mask)
    };
    crate::sql::MASKS.into_iter().map(compile).collect()
}
