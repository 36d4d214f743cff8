//! The statement of a whole query: its rows in their order, with the columns of the answer.

use super::compiler::Compiler;
use super::request::{Compiled, EVENT_COLUMNS, OutputColumn, Request, RowShape, Scope, Wire};
use super::rows::{Names, OrderBy, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Column, Kind, Query, Shape, StageNode};

/// Most rows of a page whose keys are found first.
const MOST_KEYS: u64 = 10_000;

/// Compiles a checked query. `from_ns` and `to_ns` are the range that `check` gave, inside the request's.
///
/// # Errors
/// What only the whole shows: a stage or a table that is not there.
pub fn compile(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    compiler.repeats_events = repeats_events(query);
    // One more than is shown tells whether there are more.
    let most = request.limit.saturating_add(1);
    if request.limit <= MOST_KEYS && is_chosen_among_others(query, request) {
        compiler.page = Some(keys_of_page(query, most, &mut compiler)?);
    }
    let keys_first = compiler.page.as_ref().map(Sql::to_string);
    let rows = Rows::of(query, &mut compiler)?;
    Ok(Compiled { keys_first, ..finish(rows, &query.output(), most, compiler) })
}

/// Whether the query gives whole events that are chosen by looking at others. The engine reads all columns of all of
/// these before it knows which stay, so it is told first which events those of the page are.
///
/// The query over these events alone has to give the same page: nothing may let other rows of them in. So where an event
/// may be several rows, it is done for the first page only, and the page is not looked for in more than two places.
fn is_chosen_among_others(query: &Query, request: &Request) -> bool {
    let nodes: Vec<&StageNode> = query.stages.iter().map(|stage| &stage.node).collect();
    let Some((last, before)) = nodes.split_last() else { return false };
    let is_slow = |node: &&StageNode| {
        matches!(node, StageNode::Dedup { .. } | StageNode::Context { .. }) || multiplies(node)
    };
    matches!(query.output(), Shape::Events { .. })
        && nodes.iter().any(is_slow)
        && !nodes.iter().any(|node| matches!(node, StageNode::Offset(_)))
        && (!repeats_events(query)
            || (request.offset == 0
                && request.after.is_none()
                && other_branches(&nodes).len() <= 1
                && other_branches(&nodes).iter().all(|branch| keeps_all(branch))
                && !before.iter().any(|node| chooses(node))
                && !is_context(last)))
}

/// Whether an event may be several rows of the answer.
fn repeats_events(query: &Query) -> bool {
    query.stages.iter().any(|stage| multiplies(&stage.node))
}

fn other_branches<'q>(nodes: &[&'q StageNode]) -> Vec<&'q Query> {
    let branches = nodes.iter().filter_map(|node| match node {
        StageNode::Union(queries) => Some(queries),
        _ => None,
    });
    branches.flatten().collect()
}

/// Whether a branch of a union has rows for the same events, whatever other events there are.
fn keeps_all(branch: &Query) -> bool {
    branch.stages.iter().all(|stage| !chooses(&stage.node) && !matches!(stage.node, StageNode::Union(_)))
}

/// Whether rows stay or go because of other rows.
fn chooses(node: &StageNode) -> bool {
    matches!(node, StageNode::Dedup { .. } | StageNode::Limit(_) | StageNode::Offset(_)) || is_context(node)
}

fn is_context(node: &StageNode) -> bool {
    matches!(node, StageNode::Context { .. })
}

/// Whether an event may be several rows behind this stage.
fn multiplies(node: &StageNode) -> bool {
    matches!(node, StageNode::Union(_) | StageNode::Expand(_) | StageNode::Join { .. })
}

/// A SELECT of the keys of the rows that the answer has.
fn keys_of_page(query: &Query, most: u64, compiler: &mut Compiler) -> Result<Sql, Diagnostic> {
    let mut rows = Rows::of(query, compiler)?;
    rows.open();
    rows.page(most, compiler);
    for column in [TableColumn::Timestamp, TableColumn::BatchId, TableColumn::BatchRow] {
        let column = rows.select.column(&Source::Table(column), compiler);
        rows.select.output(column, compiler);
    }
    Ok(rows.select.render())
}

/// The statement for rows: their columns, in their order, at most so many.
pub(super) fn finish(mut rows: Rows, output: &Shape, most: u64, mut compiler: Compiler) -> Compiled {
    rows.open();
    // The key of an event says nothing about which of its rows were told.
    let keyset = rows.is_events() && in_usual_order(&rows) && !compiler.repeats_events;
    let mut columns = select_columns(&mut rows, output, &mut compiler);
    let shape = row_shape(&mut rows, output, &mut columns, &mut compiler);
    rows.page(most, &mut compiler);
    Compiled {
        sql: rows.select.render().to_string(),
        parameters: compiler.parameters.into_pairs(),
        aliases: rows.select.aliases(),
        shape,
        columns,
        keyset,
        keys_first: None,
        looks_elsewhere: compiler.looks_elsewhere,
        reads: compiler.reads,
        warnings: Vec::new(),
    }
}

impl Rows {
    /// The order of the answer, and the page of it that is asked for.
    fn page(&mut self, most: u64, compiler: &mut Compiler) {
        let request = compiler.request;
        if self.is_events()
            && in_usual_order(self)
            && let Some(key) = request.after
        {
            let after = self.older_than(key, compiler);
            self.select.filters.extend(after);
        }
        self.select.order_by = self.order_terms(compiler);
        if self.is_events() && compiler.repeats_events {
            // Rows of the same event differ in what was computed: their order is the same on every page.
            let computed = self.select.outputs_after(EVENT_COLUMNS.len());
            self.select.order_by.extend(computed);
        }
        self.select.limit = Some(compiler.parameters.unsigned(most));
        // Rows of a page that is known already are not counted again.
        if request.offset > 0 && compiler.page.is_none() {
            self.select.offset = Some(compiler.parameters.unsigned(request.offset));
        }
    }
}

/// What the compiled statements rely on, whatever the server's defaults are. The client sends these with them.
pub const SETTINGS: &[(&str, &str)] = &[
    ("short_circuit_function_evaluation", "enable"),
    ("precise_float_parsing", "1"),
    // `%M` is the minute, as everywhere else.
    ("formatdatetime_parsedatetime_m_is_month_name", "0"),
    ("formatdatetime_e_with_space_padding", "1"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("input_format_try_infer_dates", "0"),
    ("input_format_try_infer_datetimes", "0"),
    ("type_json_skip_duplicated_paths", "1"),
    // In an array of several types each value keeps its own.
    ("input_format_json_read_bools_as_numbers", "0"),
    ("input_format_json_read_bools_as_strings", "0"),
    ("input_format_json_read_numbers_as_strings", "0"),
    // The newest rows are read from the end of each part until there are enough. Buffers would read on ahead of that.
    ("read_in_order_use_buffering", "0"),
    ("read_in_order_use_virtual_row", "1"),
    // A projection knows how often a text is not empty; the rewritten comparison it does not know.
    ("optimize_empty_string_comparisons", "0"),
    // Computed values of several types may be group keys.
    ("allow_suspicious_types_in_group_by", "1"),
    ("allow_suspicious_types_in_order_by", "1"),
];

/// What is still to be done to the rows, and the columns that this needs.
fn row_shape(
    rows: &mut Rows,
    shape: &Shape,
    columns: &mut Vec<OutputColumn>,
    compiler: &mut Compiler,
) -> RowShape {
    let (true, Shape::Events { dropped, renamed, .. }) = (rows.is_events(), shape) else {
        return RowShape::Table;
    };
    let mut unpacked = Vec::new();
    for layer in rows.unpacked.clone() {
        let object = rows.select.column(&Source::Computed(layer.id), compiler);
        rows.select.output(object, compiler);
        unpacked.push((columns.len(), layer.prefix));
        columns.push(OutputColumn { column: Column::plain("", Kind::Any), wire: Wire::Json });
    }
    RowShape::Events { dropped: dropped.clone(), renamed: renamed.clone(), unpacked }
}

fn in_usual_order(rows: &Rows) -> bool {
    rows.order
        .first()
        .is_some_and(|key| matches!(key.by, OrderBy::Table(TableColumn::Timestamp)) && key.descending)
}

fn select_columns(rows: &mut Rows, shape: &Shape, compiler: &mut Compiler) -> Vec<OutputColumn> {
    let known = |name: &str| shape.columns().iter().find(|column| column.name == name).cloned();
    let mut columns = Vec::new();
    let named = match &rows.names {
        Names::Table(named) => named.clone(),
        Names::Events { computed, .. } => {
            let computed = computed.clone();
            select_event(rows, &mut columns, compiler);
            computed
        }
    };
    for named in named {
        let value = rows.value(&named.place, compiler);
        let column = known(&named.name).unwrap_or_else(|| Column::plain(&named.name, value.kind()));
        columns.push(select_cell(rows, &value, column, compiler));
    }
    columns
}

pub(super) fn select_cell(
    rows: &mut Rows,
    value: &Value,
    column: Column,
    compiler: &mut Compiler,
) -> OutputColumn {
    let (sql, wire) = match value.repr {
        Repr::Time => (sql!("toUnixTimestamp64Nano({})", value.sql), Wire::TimeNs),
        _ => (value.cell().sql, Wire::Json),
    };
    rows.select.output(sql, compiler);
    OutputColumn { column, wire }
}

/// The columns of `EVENT_COLUMNS`.
fn select_event(rows: &mut Rows, columns: &mut Vec<OutputColumn>, compiler: &mut Compiler) {
    use TableColumn as T;
    let kinds = [
        (T::Timestamp, Kind::Time),
        (T::BatchId, Kind::Number),
        (T::BatchRow, Kind::Number),
        (T::Level, Kind::Level),
        (T::Source, Kind::Text),
        (T::Host, Kind::Text),
        (T::Message, Kind::Text),
        (T::TraceId, Kind::Text),
        (T::SpanId, Kind::Text),
        (T::Attributes, Kind::Any),
    ];
    for ((column, kind), name) in kinds.into_iter().zip(EVENT_COLUMNS) {
        let sql: Sql = rows.select.column(&Source::Table(column), compiler);
        let (sql, wire) = match column {
            T::Timestamp => (sql!("toUnixTimestamp64Nano({})", sql), Wire::TimeNs),
            _ => (sql, Wire::Json),
        };
        rows.select.output(sql, compiler);
        columns.push(OutputColumn { column: Column::plain(name, kind), wire });
    }
}
