//! Why nothing was found: how many events each term of the filter lets through alone, and how many all the others do.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::condition::Condition;
use super::overview::{count, statement};
use super::request::{Compiled, Request, Scope};
use super::rows::Rows;
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Filter, FilterNode, Query};

/// More terms than this are not told apart.
pub const MOST_TERMS: usize = 16;

/// One row: all events of the range, those for each of the terms ANDed at the top of the filter, and those for all but
/// that term. The lists are in the order of `terms`, and of its first `MOST_TERMS` only.
///
/// # Errors
/// As `compile`.
pub fn compile_term_counts(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = Rows::events(compiler.scan());
    let conditions: Vec<Condition> = top_terms(query)
        .iter()
        .take(MOST_TERMS)
        .map(|term| rows.filter_condition(term, &mut compiler))
        .collect::<Result<_, _>>()?;
    let counted = |condition: Condition| sql!("countIf({})", condition.two_valued());
    let alone: Vec<Sql> = conditions.iter().cloned().map(counted).collect();
    let without = (0..conditions.len()).map(|index| {
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != index);
        counted(Condition::all(others.map(|(_, condition)| condition.clone()).collect()))
    });
    let list = |counts: Vec<Sql>| {
        // An empty list has no type of its own.
        Value::new(sql!("CAST([{}], 'Array(UInt64)')", Sql::join(counts, ", ")), Repr::Array)
    };
    let without: Vec<Sql> = without.collect();
    let mut grouping = Grouping::of(rows);
    grouping.measure("all", count(), &mut compiler);
    grouping.measure("alone", list(alone), &mut compiler);
    grouping.measure("without", list(without), &mut compiler);
    let rows = grouping.finish(&mut compiler);
    Ok(statement(rows, &["all", "alone", "without"], None, compiler))
}

fn top_terms(query: &Query) -> &[Filter] {
    match query.filter.as_ref() {
        None => &[],
        Some(Filter { node: FilterNode::All, .. }) => &[],
        Some(Filter { node: FilterNode::And(terms), .. }) => terms,
        Some(filter) => std::slice::from_ref(filter),
    }
}
