//! Statements beside the rows of a query: how many, when, with which fields and values, and what stood around an event.
//!
//! They look at the events that the filter and the streamable stages let through; stages such as `stats` are left out.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::output::finish;
use super::pipe::Before;
use super::request::{Compiled, EventKey, OutputColumn, Request, RowShape, Scope, Wire};
use super::rows::{Names, OrderBy, OrderKey, Place, Rows, usual_order};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value, elements, is_array};
use crate::Diagnostic;
use crate::ast::{Column, Core, Field, Kind, Query, Shape, Stage, StageNode};

/// How many of the newest events the list of fields is made of.
const EVENTS_FOR_FIELDS: u64 = 10_000;

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
    let mut rows = matching(query, &mut compiler)?;
    let time = rows.select.column(&Source::Table(TableColumn::Timestamp), &mut compiler);
    let level = rows.select.column(&Source::Table(TableColumn::Level), &mut compiler);
    let interval = compiler.parameters.integer(interval_ns.max(1));
    let ns = sql!("toUnixTimestamp64Nano({})", time);
    let start = Value::new(sql!("{} - positiveModulo({}, {})", ns, ns, interval), Repr::Number);
    let mut grouping = Grouping::of(rows);
    grouping.key("start", &start, &mut compiler);
    grouping.key("level", &Value::new(sql!("toString({})", level), Repr::Text), &mut compiler);
    grouping.measure("count", count(), &mut compiler);
    let rows = grouping.finish(&mut compiler);
    Ok(statement(rows, &["start", "level", "count"], None, compiler))
}

/// The fields of the newest matching events: rows of name, kind, count and number of different values.
///
/// # Errors
/// As `compile`.
pub fn compile_fields(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = matching(query, &mut compiler)?;
    let newest = compiler.parameters.unsigned(EVENTS_FOR_FIELDS);
    rows.order = usual_order();
    rows.limit(Some(newest), None, &mut compiler);
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
    let mut rows = grouping.finish(&mut compiler);
    rows.order.insert(0, OrderKey { by: OrderBy::Place(counted), descending: true });
    Ok(statement(rows, &["name", "type", "count", "distinct"], Some(1000), compiler))
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
         arrayMap((p, v) -> arrayMap(t -> (p, {}, v), [JSONAllPathsWithTypes({})[p]])[1], JSONAllPaths({}), JSONAllValues({})))",
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
    let mut rows = matching(query, &mut compiler)?;
    let field = Field::of_event(field, crate::Span::default());
    let value = rows.field(&field, &mut compiler);
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
    let mut grouping = Grouping::of(rows);
    let key = grouping.key("value", &Value::new(sql!("assumeNotNull({})", text), Repr::Text), &mut compiler);
    let counted = grouping.measure("count", count(), &mut compiler);
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

fn keeps_events(stage: &Stage) -> bool {
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
        keyset: false,
        warnings: Vec::new(),
    }
}
