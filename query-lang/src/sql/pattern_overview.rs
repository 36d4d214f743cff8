//! The shapes of the matching messages, all of them counted: how many, when, at which levels, and the newest of each.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::distribution::masked;
use super::overview::{bucket, count, statement};
use super::request::{Compiled, Request, Scope};
use super::rollup::{self, Columns, Step};
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
    let interval_ns = interval_ns.max(1);
    let parts = rollup::parts(query, Step::Quarter, interval_ns, &mut compiler)?;
    let interval = compiler.parameters.integer(interval_ns);
    let (mut rows, places) = rollup::grouped(parts, &mut compiler, |part, compiler| {
        let message = part.rows.value(&Place::Core(Core::Message), compiler);
        if !part.is_rollup {
            part.rows.select.filters.push(message.present());
        }
        let mut column = |column| part.rows.select.column(&Source::Table(column), compiler);
        let key = sql!(
            "({}, {}, {})",
            column(TableColumn::Timestamp),
            column(TableColumn::BatchId),
            column(TableColumn::BatchRow)
        );
        let newest = Value::new(sql!("max({})", key), Repr::Array);
        let sample = Value::new(sql!("argMax({}, {})", message.sql, key), Repr::Text);
        let shape = Value::new(column(TableColumn::PatternId), Repr::Number);
        let level = Value::new(sql!("toString({})", column(TableColumn::Level)), Repr::Text);
        Columns {
            keys: vec![shape, level, bucket(&part.ns, &interval)],
            measures: vec![count(), newest, sample],
        }
    });
    let values: Vec<Value> = places.iter().map(|place| rows.value(place, &mut compiler)).collect();
    let [shape, level, start, n, newest, sample] = values.as_slice() else {
        unreachable!("as many as were made above")
    };
    // A rollup also counts events without a message.
    rows.select.filters.push(sql!("{} != ''", sample.sql));
    let mut grouping = Grouping::of(rows);
    grouping.key("", shape, &mut compiler);
    let mut measure = |sql, repr| grouping.measure("", Value::new(sql, repr), &mut compiler);
    let counted = measure(sql!("sum({})", n.sql), Repr::Number);
    let levels = measure(sql!("sumMap(map({}, {}))", level.sql, n.sql), Repr::Array);
    let buckets = measure(sql!("sumMap(map({}, {}))", start.sql, n.sql), Repr::Array);
    let last = measure(sql!("max({})", newest.sql), Repr::Array);
    let sample = measure(sql!("argMax({}, {})", sample.sql, newest.sql), Repr::Text);
    let groups = grouping.finish(&mut compiler);
    Ok(by_pattern(groups, [counted, levels, buckets, last, sample], compiler))
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
    measure("time", sql!("toUnixTimestamp64Nano(tupleElement(max({}), 1))", newest), Repr::Number);
    measure("batch", sql!("tupleElement(max({}), 2)", newest), Repr::Number);
    measure("row", sql!("tupleElement(max({}), 3)", newest), Repr::Number);
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
