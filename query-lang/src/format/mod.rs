//! The canonical text of a query: one spelling for each meaning, and parsing it again gives the same tree.
//!
//! Works on trees as `parse` makes them, not on checked ones.

mod expression;
mod filter;
mod stage;

use crate::ast::{Literal, Query};
use crate::quote;

pub(crate) use expression::expression as expression_text;
pub(crate) use filter::filter as filter_text;
pub(crate) use stage::stage as stage_text;

/// Writes the query in its canonical form.
#[must_use]
pub fn format(query: &Query) -> String {
    let mut parts = Vec::new();
    if let Some(filter) = &query.filter {
        parts.push(filter::filter(filter));
    }
    parts.extend(query.stages.iter().map(|stage| stage::stage(&stage.node)));
    let text = parts.join(" | ");
    match query.filter {
        None if !query.stages.is_empty() => format!("| {text}"),
        _ => text,
    }
}

fn subquery(query: &Query) -> String {
    match format(query) {
        text if text.is_empty() => "{ }".to_owned(),
        text => format!("{{ {text} }}"),
    }
}

/// A value as it was written, with its quotes made uniform.
fn literal(value: &Literal) -> String {
    if value.quoted { quote::string(&value.text) } else { value.text.clone() }
}

fn list<T>(items: &[T], write: impl Fn(&T) -> String) -> String {
    items.iter().map(write).collect::<Vec<_>>().join(", ")
}
