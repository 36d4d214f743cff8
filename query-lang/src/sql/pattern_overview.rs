//! The shapes of the matching messages, all of them counted: how many, when, at which levels, and the newest of each.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::distribution::masked;
use super::overview::{count, matching, statement};
use super::request::{Compiled, Request, Scope};
use super::rows::{OrderBy, OrderKey, Place, Rows};
use super::select::{Source, TableColumn};
use super::text::sql;
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Core, Query};

/// Rows of pattern, count, levels (a map to counts), buckets (a map from start in ns to counts), the newest event's
/// time, batch and row, its message, events in all and patterns in all; most frequent first, `request.limit` of them.
///
/// # Errors
/// As `compile`.
pub fn compile_patterns(
    query: &Query,
    scope: &Scope,
    request: &Request,
    interval_ns: i64,
) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let interval = compiler.parameters.integer(interval_ns.max(1));
    let message = rows.value(&Place::Core(Core::Message), &mut compiler);
    rows.select.filters.push(message.present());
    let mut column = |column| rows.select.column(&Source::Table(column), &mut compiler);
    let [time, batch, row, level, shape] = [
        TableColumn::Timestamp,
        TableColumn::BatchId,
        TableColumn::BatchRow,
        TableColumn::Level,
        TableColumn::PatternId,
    ]
    .map(&mut column);
    let ns = sql!("toUnixTimestamp64Nano({})", time);
    let start = sql!("{} - positiveModulo({}, {})", ns, ns, interval);
    let key = sql!("({}, {}, {})", ns, batch, row);
    let mut grouping = Grouping::of(rows);
    grouping.key("", &Value::new(shape, Repr::Number), &mut compiler);
    let mut measure = |sql, repr| grouping.measure("", Value::new(sql, repr), &mut compiler);
    let counted = measure(count().sql, Repr::Number);
    let levels = measure(sql!("sumMap(map(toString({}), toUInt64(1)))", level), Repr::Array);
    let buckets = measure(sql!("sumMap(map({}, toUInt64(1)))", start), Repr::Array);
    let newest = measure(sql!("max({})", key), Repr::Array);
    let sample = measure(sql!("argMax({}, {})", message.sql, key), Repr::Text);
    let groups = grouping.finish(&mut compiler);
    Ok(by_pattern(groups, [counted, levels, buckets, newest, sample], compiler))
}

/// Groups whose samples have the same pattern are one.
fn by_pattern(groups: Rows, found: [Place; 5], mut compiler: Compiler) -> Compiled {
    let mut grouping = Grouping::of(groups);
    let [n, levels, buckets, newest, sample] =
        found.map(|place| grouping.rows.value(&place, &mut compiler).sql);
    let pattern = Value::new(masked(&sample, &mut compiler), Repr::Text);
    grouping.key("pattern", &pattern, &mut compiler);
    let mut measure = |name, sql, repr| grouping.measure(name, Value::new(sql, repr), &mut compiler);
    let counted = measure("count", sql!("sum({})", n), Repr::Number);
    measure("levels", sql!("sumMap({})", levels), Repr::Array);
    measure("buckets", sql!("sumMap({})", buckets), Repr::Array);
    for (index, name) in ["time", "batch", "row"].into_iter().enumerate() {
        let index = super::text::Sql::number(index as u64 + 1);
        measure(name, sql!("tupleElement(max({}), {})", newest, index), Repr::Number);
    }
    measure("sample", sql!("argMax({}, {})", sample, newest), Repr::Text);
    let mut rows = grouping.finish(&mut compiler);
    let n = rows.value(&counted, &mut compiler).sql;
    for (name, sql) in
        [("events", sql!("sum({}) OVER ()", n)), ("patterns", super::text::Sql::new("count() OVER ()"))]
    {
        let place = rows.compute(Value::new(sql, Repr::Number), &mut compiler);
        rows.export_place(&place, &mut compiler);
        rows.name(name, place);
    }
    rows.wrap();
    rows.order.insert(0, OrderKey { by: OrderBy::Place(counted), descending: true });
    let limit = compiler.request.limit;
    let names =
        ["pattern", "count", "levels", "buckets", "time", "batch", "row", "sample", "events", "patterns"];
    statement(rows, &names, Some(limit), compiler)
}
