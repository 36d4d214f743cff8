//! What the explorer and alerts ask of a query beside its rows: counts over time, fields, values, one event, samples.
//!
//! They look at the events that go into the query's first table: the filter, and the stages that work event by event.

use super::compiler::Compiler;
use super::output::{finished, select_columns};
use super::request::{Compiled, EventKey, OutputColumn, Request, RowShape, Scope, Wire};
use super::rows::Rows;
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use crate::Diagnostic;
use crate::Span;
use crate::ast::{Column, Field, Kind, Query, Shape, StageNode};

/// Different fields in one answer.
const MOST_FIELDS: u64 = 1_000;

/// Rows of (bucket's start in nanoseconds, level, events); a missing level is `unknown`.
///
/// # Errors
/// As `compile`.
pub fn compile_histogram(
    query: &Query,
    scope: &Scope,
    request: &Request,
    interval_ns: i64,
) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let step = compiler.parameters.integer(interval_ns.max(1));
    let time = rows.select.column(&Source::Table(TableColumn::Timestamp), &mut compiler);
    let level = rows.select.column(&Source::Table(TableColumn::Level), &mut compiler);
    let bucket = sql!("intDiv(toUnixTimestamp64Nano({}), {}) * {}", time, step, step);
    let bucket = rows.select.output(bucket, &mut compiler);
    let level = rows.select.output(sql!("toString({})", level), &mut compiler);
    rows.select.output(Sql::new("count()"), &mut compiler);
    rows.select.group_by = Some(vec![sql!("{}", bucket), sql!("{}", level)]);
    Ok(finished(rows, compiler, RowShape::Table, table(&["bucket", "level", "count"])))
}

/// Rows of (field, kind of its values, events that have it), most frequent first. A kind is `string`, `number`, `bool`,
/// `array`, or `mixed`.
///
/// # Errors
/// As `compile`.
pub fn compile_fields(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let pairs = field_kinds(&mut rows, &mut compiler);
    let pairs = rows.select.compute(pairs, &mut compiler);
    rows.wrap();
    let pair = rows.select.column(&pairs, &mut compiler);
    rows.select.array_join = Some(pair.clone());
    let name = rows.select.output(sql!("tupleElement({}, 1)", pair), &mut compiler);
    let kind = sql!("if(uniqExact(tupleElement({}, 2)) = 1, any(tupleElement({}, 2)), 'mixed')", pair, pair);
    rows.select.output(kind, &mut compiler);
    let count = rows.select.output(Sql::new("count()"), &mut compiler);
    rows.select.group_by = Some(vec![sql!("{}", name)]);
    rows.select.order_by = vec![sql!("{} DESC", count), sql!("{}", name)];
    rows.select.limit = Some(compiler.parameters.unsigned(MOST_FIELDS));
    Ok(finished(rows, compiler, RowShape::Table, table(&["name", "type", "count"])))
}

/// The fields of an event as an array of (name, kind).
fn field_kinds(rows: &mut Rows, compiler: &mut Compiler) -> Sql {
    use TableColumn as T;
    let mut column = |column| rows.select.column(&Source::Table(column), compiler);
    let level = column(T::Level);
    let texts = [T::Source, T::Host, T::Message, T::TraceId, T::SpanId].map(&mut column);
    let attributes = column(T::Attributes);
    let [source, host, message, trace_id, span_id] = texts;
    sql!(
        "arrayConcat(arrayFilter(x -> x.2 != '', [('level', if({} = 'unknown', '', 'string')), \
         ('source', if({} = '', '', 'string')), ('host', if({} = '', '', 'string')), \
         ('message', if({} = '', '', 'string')), ('trace_id', if({} = '', '', 'string')), \
         ('span_id', if({} = '', '', 'string'))]), \
         arrayMap(x -> (x.1, multiIf(x.2 = 'String', 'string', x.2 = 'Bool', 'bool', startsWith(x.2, 'Array'), 'array', \
         'number')), CAST(JSONAllPathsWithTypes({}), 'Array(Tuple(String, String))')))",
        level,
        source,
        host,
        message,
        trace_id,
        span_id,
        attributes
    )
}

/// Rows of (value, events with it, events that have the field), most frequent first; only values that begin with `prefix`, in
/// any letter case.
///
/// # Errors
/// As `compile`.
pub fn compile_field_values(
    query: &Query,
    scope: &Scope,
    request: &Request,
    field: &str,
    prefix: &str,
) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let field = Field::of_event(field, Span { start: 0, end: 0 });
    let text = rows.field(&field, &mut compiler).text();
    let text = rows.select.compute(text, &mut compiler);
    rows.wrap();
    let value = rows.select.column(&text, &mut compiler);
    rows.select.filters.push(sql!("{} IS NOT NULL", value));
    rows.select.group_by = Some(vec![value.clone()]);
    let count = rows.select.compute(Sql::new("count()"), &mut compiler);
    let total = rows.select.compute(Sql::new("sum(count()) OVER ()"), &mut compiler);
    rows.wrap();
    let value = rows.select.column(&text, &mut compiler);
    let (count, total) = (rows.select.column(&count, &mut compiler), rows.select.column(&total, &mut compiler));
    if !prefix.is_empty() {
        let prefix = compiler.parameters.text(prefix);
        rows.select.filters.push(sql!("startsWith(lowerUTF8({}), lowerUTF8({}))", value, prefix));
    }
    rows.select.order_by = vec![sql!("{} DESC", count), value.clone()];
    rows.select.limit = Some(compiler.parameters.unsigned(request.limit));
    for column in [value, count, total] {
        rows.select.output(column, &mut compiler);
    }
    Ok(finished(rows, compiler, RowShape::Table, table(&["value", "count", "total"])))
}

/// One row: how many events match.
///
/// # Errors
/// As `compile`.
pub fn compile_count(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    rows.select.output(Sql::new("count()"), &mut compiler);
    rows.select.group_by = Some(Vec::new());
    Ok(finished(rows, compiler, RowShape::Table, table(&["count"])))
}

/// The newest of the matching events, at most `request.limit`.
///
/// # Errors
/// As `compile`.
pub fn compile_samples(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let rows = matching(query, &mut compiler)?;
    Ok(events(rows, compiler, request.limit))
}

/// One event, by its key. The request's range does not matter.
#[must_use]
pub fn compile_event(scope: &Scope, key: EventKey) -> Compiled {
    let request = Request {
        from_ns: key.timestamp_ns,
        to_ns: key.timestamp_ns.saturating_add(1),
        now_ns: key.timestamp_ns,
        tz: jiff::tz::TimeZone::UTC,
        limit: 1,
        offset: 0,
        after: None,
        tables: Vec::new(),
    };
    let mut compiler = Compiler::new(scope, &request);
    let mut select = compiler.scan();
    let (batch, row) =
        (compiler.parameters.unsigned(key.batch_id), compiler.parameters.unsigned(u64::from(key.batch_row)));
    select.filters.push(sql!("batch_id = {}", batch));
    select.filters.push(sql!("batch_row = {}", row));
    events(Rows::events(select), compiler, 1)
}

fn events(mut rows: Rows, mut compiler: Compiler, limit: u64) -> Compiled {
    let columns = select_columns(&mut rows, &Shape::default(), &mut compiler);
    rows.select.order_by = rows.order_terms(&mut compiler);
    rows.select.limit = Some(compiler.parameters.unsigned(limit));
    finished(rows, compiler, RowShape::Events { dropped: Vec::new() }, columns)
}

/// The events that the query is about: its filter, and its stages as long as they work event by event.
fn matching(query: &Query, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
    let one_by_one = query.stages.iter().take_while(|stage| works_event_by_event(&stage.node)).count();
    let mut rows = Rows::of_stages(query.filter.as_ref(), &query.stages[..one_by_one], compiler)?;
    rows.open();
    Ok(rows)
}

fn works_event_by_event(stage: &StageNode) -> bool {
    use StageNode as S;
    matches!(
        stage,
        S::Where(_)
            | S::Search(_)
            | S::Drop(_)
            | S::Rename(_)
            | S::Eval(_)
            | S::Parse { .. }
            | S::Extract { .. }
            | S::Unpack { .. }
            | S::Sample { .. }
    )
}

fn table(names: &[&str]) -> Vec<OutputColumn> {
    names.iter().map(|name| OutputColumn { column: Column::plain(*name, Kind::Any), wire: Wire::Json }).collect()
}
