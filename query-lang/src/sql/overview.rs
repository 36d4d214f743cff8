//! Statements beside the rows of a query: how many, when, with which fields and values, and what stood around an event.
//!
//! They look at the events that the filter and the streamable stages let through; stages such as `stats` are left out.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::output::finish;
use super::pipe::Before;
use super::request::{Compiled, EventKey, OutputColumn, Request, RowShape, Scope, Wire};
use super::rollup::{self, Columns, Step};
use super::rows::{Names, OrderBy, OrderKey, Place, Rows, usual_order};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value, elements, is_array};
use crate::Diagnostic;
use crate::ast::{Column, Core, Field, Kind, Query, Shape, Stage, StageNode, Target};

/// How many of the newest events the list of fields is made of.
pub const EVENTS_FOR_FIELDS: u64 = 5_000;

/// Events by time and level: rows of start (ns), level (`unknown` for none) and count. Empty buckets are not there.
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
    let interval_ns = interval_ns.max(1);
    let parts = rollup::parts(query, Step::Minute, interval_ns, &mut compiler)?;
    let interval = compiler.parameters.integer(interval_ns);
    let (rows, places) = rollup::grouped(parts, &mut compiler, |part, compiler| {
        let level = part.rows.select.column(&Source::Table(TableColumn::Level), compiler);
        let level = Value::new(sql!("toString({})", level), Repr::Text);
        Columns { keys: vec![bucket(&part.ns, &interval), level], measures: vec![count()] }
    });
    let mut grouping = Grouping::of(rows);
    let values: Vec<Value> = places.iter().map(|place| grouping.rows.value(place, &mut compiler)).collect();
    grouping.key("start", &values[0], &mut compiler);
    grouping.key("level", &values[1], &mut compiler);
    grouping.measure("count", total(&values[2]), &mut compiler);
    let rows = grouping.finish(&mut compiler);
    Ok(statement(rows, &["start", "level", "count"], None, compiler))
}

/// The start of the bucket that a time (ns) lies in.
pub(super) fn bucket(ns: &Sql, interval: &Sql) -> Value {
    Value::new(sql!("{} - positiveModulo({}, {})", ns, ns, interval), Repr::Number)
}

pub(super) fn total(count: &Value) -> Value {
    Value::new(sql!("sum({})", count.sql), Repr::Number)
}

/// What a value of an event can be, as people call it.
const KINDS: [&str; 4] = ["string", "number", "bool", "array"];

/// The fields of the newest matching events: rows of name, kind, count, number of different values, how many events
/// were looked at, and a map from each kind to the events that have it.
///
/// # Errors
/// As `compile`.
pub fn compile_fields(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let newest = compiler.parameters.unsigned(EVENTS_FOR_FIELDS);
    // Which of several events of one instant are looked at does not matter, and their order would cost a sort of all.
    rows.order = vec![OrderKey { by: OrderBy::Table(TableColumn::Timestamp), descending: true }];
    rows.limit(Some(newest), None, &mut compiler);
    rows.wrap();
    let looked_at = rows.compute(Value::new(Sql::new("count() OVER ()"), Repr::Number), &mut compiler);
    rows.export_place(&looked_at, &mut compiler);
    rows.wrap();
    let seen = fields_of_event(&mut rows, &mut compiler);
    let field = compiler.next_alias();
    rows.select.array_join = Some(sql!("{} AS {}", seen, field));
    let part = |index: u64| Value::new(sql!("tupleElement({}, {})", field, Sql::number(index)), Repr::Text);
    let mut grouping = Grouping::of(rows);
    grouping.key("name", &part(1), &mut compiler);
    let kinds = sql!("groupUniqArray({})", part(2).sql);
    let kind = sql!("arrayMap(k -> if(length(k) = 1, k[1], 'mixed'), [{}])[1]", kinds);
    grouping.measure("type", Value::new(kind, Repr::Text), &mut compiler);
    let counted = grouping.measure("count", count(), &mut compiler);
    let distinct = Value::new(sql!("uniq({})", part(3).sql), Repr::Number);
    grouping.measure("distinct", distinct, &mut compiler);
    let looked_at = sql!("any({})", grouping.rows.value(&looked_at, &mut compiler).sql);
    grouping.measure("events", Value::new(looked_at, Repr::Number), &mut compiler);
    let by_kind =
        KINDS.map(|kind| sql!("'{}', countIf({} = '{}')", Sql::new(kind), part(2).sql, Sql::new(kind)));
    let types = sql!("map({})", Sql::join(by_kind, ", "));
    grouping.measure("types", Value::new(types, Repr::Array), &mut compiler);
    let mut rows = grouping.finish(&mut compiler);
    rows.order.insert(0, OrderKey { by: OrderBy::Place(counted), descending: true });
    Ok(statement(rows, &["name", "type", "count", "distinct", "events", "types"], Some(1000), compiler))
}

/// How many of all matching events have each field, where a rollup knows it: one row of the number of events, those with
/// a level, source, host, message, trace and span, then a map from path to count and one from path to types.
///
/// # Errors
/// As `compile`.
pub fn compile_field_counts(
    query: &Query,
    scope: &Scope,
    request: &Request,
) -> Result<Option<Compiled>, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    if !rollup::is_answered(query, Step::FiveMinutes, &compiler) {
        return Ok(None);
    }
    let parts = rollup::parts(query, Step::FiveMinutes, 0, &mut compiler)?;
    let (rows, places) = rollup::grouped(parts, &mut compiler, |part, compiler| {
        let mut column = |column| part.rows.select.column(&Source::Table(column), compiler);
        let is_there = |column: Sql| Value::new(sql!("countIf({} != '')", column), Repr::Number);
        let texts = [TableColumn::Host, TableColumn::Message, TableColumn::TraceId, TableColumn::SpanId];
        let mut measures = vec![count()];
        measures.extend(texts.map(&mut column).map(is_there));
        let attributes = column(TableColumn::Attributes);
        for sql in [
            sql!("countMap(JSONAllPathsWithTypes({}))", attributes),
            sql!("distinctJSONPathsAndTypes({})", attributes),
        ] {
            measures.push(Value::new(sql, Repr::Array));
        }
        let keys = [TableColumn::Level, TableColumn::Source].map(column);
        Columns { keys: keys.map(|key| Value::new(sql!("toString({})", key), Repr::Text)).into(), measures }
    });
    let mut grouping = Grouping::of(rows);
    let values: Vec<Sql> = places.iter().map(|place| grouping.rows.value(place, &mut compiler).sql).collect();
    let [level, source, n, host, message, trace, span, counts, types] = values.as_slice() else {
        unreachable!("as many as were made above")
    };
    let with = |key: &Sql, missing| sql!("sumIf({}, {} != '{}')", n, key, Sql::new(missing));
    let sum = |counts: &Sql| sql!("sum({})", counts);
    let columns = [
        ("events", sum(n)),
        ("level", with(level, "unknown")),
        ("source", with(source, "")),
        ("host", sum(host)),
        ("message", sum(message)),
        ("trace_id", sum(trace)),
        ("span_id", sum(span)),
        ("counts", sql!("sumMap({})", counts)),
        ("types", sql!("groupUniqArrayArrayMap({})", types)),
    ];
    let names = columns.each_ref().map(|(name, _)| *name);
    for (name, sql) in columns {
        grouping.measure(name, Value::new(sql, Repr::Number), &mut compiler);
    }
    let rows = grouping.finish(&mut compiler);
    Ok(Some(statement(rows, &names, None, compiler)))
}

/// (name, kind, text) of each field of an event that has a value.
pub(super) fn fields_of_event(rows: &mut Rows, compiler: &mut Compiler) -> Sql {
    let mut core = Vec::new();
    for field in [Core::Level, Core::Source, Core::Host, Core::Message, Core::TraceId, Core::SpanId] {
        let value = rows.value(&Place::Core(field), compiler);
        core.push(sql!("('{}', 'string', ifNull({}, ''))", Sql::new(field.name()), value.text()));
    }
    let attributes = rows.select.column(&Source::Table(TableColumn::Attributes), compiler);
    let kind =
        "multiIf(startsWith(t, 'Array'), 'array', t = 'Bool', 'bool', t = 'String', 'string', 'number')";
    sql!(
        "arrayConcat(arrayFilter(f -> f.3 != '', [{}]), \
         arrayMap((p, t, v) -> (p, {}, v), mapKeys(JSONAllPathsWithTypes({})), mapValues(JSONAllPathsWithTypes({})), JSONAllValues({})))",
        Sql::join(core, ", "),
        Sql::new(kind),
        attributes,
        attributes,
        attributes
    )
}

/// The most frequent values of a field, `request.limit` of them: rows of value, count and the number of all values.
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
    let field = Field::of_event(field, crate::Span::default());
    let (mut grouping, value, counted) = match field.target {
        Target::Core(core @ (Core::Level | Core::Source)) => counted_keys(query, core, &mut compiler)?,
        _ => counted_values(query, &field, &mut compiler)?,
    };
    let key = grouping.key("value", &value, &mut compiler);
    let counted = grouping.measure("count", counted, &mut compiler);
    let mut rows = grouping.finish(&mut compiler);
    let total = sql!("sum({}) OVER ()", rows.value(&counted, &mut compiler).sql);
    let total = rows.compute(Value::new(total, Repr::Number), &mut compiler);
    if let Place::Computed(id, _) = total {
        rows.select.export(&Source::Computed(id), &mut compiler);
    }
    rows.wrap();
    rows.name("total", total);
    if !prefix.is_empty() {
        let prefix = compiler.parameters.text(prefix);
        let value = rows.value(&key, &mut compiler).sql;
        rows.select.filters.push(sql!("startsWith(lowerUTF8({}), lowerUTF8({}))", value, prefix));
    }
    rows.order.insert(0, OrderKey { by: OrderBy::Place(counted), descending: true });
    let limit = request.limit;
    Ok(statement(rows, &["value", "count", "total"], Some(limit), compiler))
}

/// The values of a field, and what counts them.
fn counted_values(
    query: &Query,
    field: &Field,
    compiler: &mut Compiler,
) -> Result<(Grouping, Value, Value), Diagnostic> {
    let mut rows = matching(query, compiler)?;
    let value = rows.field(field, compiler);
    let texts = match value.repr {
        Repr::Dynamic => {
            sql!(
                "if({}, {}, [CAST({}, 'Nullable(String)')])",
                is_array(&value.sql),
                elements(&value.sql),
                value.sql
            )
        }
        _ => sql!("[{}]", value.text()),
    };
    let text = compiler.next_alias();
    rows.select.array_join = Some(sql!("{} AS {}", texts, text));
    rows.select.filters.push(sql!("isNotNull({})", text));
    let value = Value::new(sql!("assumeNotNull({})", text), Repr::Text);
    Ok((Grouping::of(rows), value, count()))
}

/// The same for what `level_stats` counts by.
fn counted_keys(
    query: &Query,
    core: Core,
    compiler: &mut Compiler,
) -> Result<(Grouping, Value, Value), Diagnostic> {
    let parts = rollup::parts(query, Step::Minute, 0, compiler)?;
    let (mut rows, places) = rollup::grouped(parts, compiler, |part, compiler| {
        let key = part.rows.value(&Place::Core(core), compiler);
        Columns { keys: vec![Value::new(key.text(), Repr::Text)], measures: vec![count()] }
    });
    let [value, counted] = [0, 1].map(|index: usize| rows.value(&places[index], compiler));
    rows.select.filters.push(sql!("isNotNull({})", value.sql));
    let value = Value::new(sql!("assumeNotNull({})", value.sql), Repr::Text);
    Ok((Grouping::of(rows), value, total(&counted)))
}

/// How many rows a query gives: one row with one number.
///
/// # Errors
/// As `compile`.
pub fn compile_count(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let rows = Rows::of(query, &mut compiler)?;
    let mut grouping = Grouping::of(rows);
    grouping.measure("count", count(), &mut compiler);
    let rows = grouping.finish(&mut compiler);
    Ok(statement(rows, &["count"], None, compiler))
}

/// The newest events behind a query's figures, `request.limit` of them.
///
/// # Errors
/// As `compile`.
pub fn compile_samples(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    rows.names = Names::Events { computed: Vec::new(), dropped: Vec::new() };
    rows.unpacked.clear();
    rows.order = usual_order();
    Ok(finish(rows, &Shape::default(), request.limit, compiler))
}

/// One event by its key.
#[must_use]
pub fn compile_event(scope: &Scope, key: EventKey) -> Compiled {
    let request = Request { limit: 1, ..around(key, 0) };
    let mut compiler = Compiler::new(scope, &request);
    let mut rows = Rows::events(compiler.scan());
    let condition = rows.is_event(key, &mut compiler);
    rows.filter(&condition);
    finish(rows, &Shape::default(), 1, compiler)
}

/// Which neighbours of an event are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Older events, or newer ones.
    pub older: bool,
    pub count: u64,
    /// How far away they may be.
    pub within_ns: i64,
    /// Core fields that have to hold these texts; empty is missing.
    pub same: Vec<(Core, String)>,
}

/// The events next to one in time, nearest first.
#[must_use]
pub fn compile_context(scope: &Scope, key: EventKey, neighbours: &Neighbours) -> Compiled {
    let request = Request { limit: neighbours.count, ..around(key, neighbours.within_ns) };
    let mut compiler = Compiler::new(scope, &request);
    let mut rows = Rows::events(compiler.scan());
    for (core, text) in &neighbours.same {
        let value = rows.value(&Place::Core(*core), &mut compiler);
        let wanted =
            compiler.parameters.text(if text.is_empty() && *core == Core::Level { "unknown" } else { text });
        let is_same = match value.repr {
            Repr::CoreLevel => sql!("toString({}) = {}", value.sql, wanted),
            _ => sql!("{} = {}", value.sql, wanted),
        };
        rows.select.filters.push(is_same);
    }
    let beyond = if neighbours.older {
        rows.older_than(key, &mut compiler)
    } else {
        rows.newer_than(key, &mut compiler)
    };
    rows.select.filters.extend(beyond);
    rows.order =
        usual_order().into_iter().map(|order| OrderKey { descending: neighbours.older, ..order }).collect();
    finish(rows, &Shape::default(), neighbours.count, compiler)
}

fn around(key: EventKey, within_ns: i64) -> Request {
    Request {
        from_ns: key.timestamp_ns.saturating_sub(within_ns),
        to_ns: key.timestamp_ns.saturating_add(within_ns).saturating_add(1),
        now_ns: key.timestamp_ns,
        tz: jiff::tz::TimeZone::UTC,
        limit: 0,
        offset: 0,
        after: None,
        tables: Vec::new(),
        paths: None,
    }
}

pub(super) fn count() -> Value {
    Value::new(Sql::new("count()"), Repr::Number)
}

/// The events of a query before anything is counted.
pub(super) fn matching(query: &Query, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
    let counted = query.stages.iter().position(|stage| !keeps_events(stage)).unwrap_or(query.stages.len());
    let mut rows =
        Before { filter: query.filter.as_ref(), stages: &query.stages[..counted] }.rows(compiler)?;
    rows.open();
    Ok(rows)
}

pub(super) fn keeps_events(stage: &Stage) -> bool {
    matches!(
        stage.node,
        StageNode::Where(_)
            | StageNode::Search(_)
            | StageNode::Eval(_)
            | StageNode::Parse { .. }
            | StageNode::Extract { .. }
            | StageNode::Unpack { .. }
            | StageNode::Fields(_)
            | StageNode::Drop(_)
            | StageNode::Rename(_)
            | StageNode::Sample { .. }
    )
}

/// A statement of our own making: the named columns and no others.
pub(super) fn statement(
    mut rows: Rows,
    names: &[&str],
    limit: Option<u64>,
    mut compiler: Compiler,
) -> Compiled {
    rows.open();
    let mut columns = Vec::new();
    for name in names {
        let place = rows.place_of_column(name);
        let sql = rows.value(&place, &mut compiler).sql;
        rows.select.output(sql, &mut compiler);
        columns.push(OutputColumn { column: Column::plain(*name, Kind::Any), wire: Wire::Json });
    }
    rows.select.order_by = rows.order_terms(&mut compiler);
    rows.select.limit = limit.map(|limit| compiler.parameters.unsigned(limit));
    Compiled {
        sql: rows.select.render().to_string(),
        parameters: compiler.parameters.into_pairs(),
        aliases: rows.select.aliases(),
        shape: RowShape::Table,
        columns,
        keys_first: None,
        looks_elsewhere: compiler.looks_elsewhere,
        keyset: false,
        reads: compiler.reads,
        warnings: Vec::new(),
    }
}
