//! The statement of a whole query: its rows in their order, with the columns of the answer.

use super::compiler::Compiler;
use super::request::{Compiled, OutputColumn, Request, RowShape, Scope, Wire};
use super::rows::{Names, OrderBy, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Column, Kind, Query, Shape};

/// Compiles a checked query. `from_ns` and `to_ns` are the range that `check` gave, inside the request's.
///
/// # Errors
/// What only the whole shows: a stage or a table that is not there.
pub fn compile(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let rows = Rows::of(query, &mut compiler)?;
    // One more than is shown tells whether there are more.
    Ok(finish(rows, &query.output(), request.limit.saturating_add(1), compiler))
}

/// The statement for rows: their columns, in their order, at most so many.
pub(super) fn finish(mut rows: Rows, output: &Shape, most: u64, mut compiler: Compiler) -> Compiled {
    let request = compiler.request;
    rows.open();
    let keyset = rows.is_events() && in_usual_order(&rows);
    if keyset && let Some(key) = request.after {
        let after = rows.older_than(key, &mut compiler);
        rows.select.filters.extend(after);
    }
    let mut columns = select_columns(&mut rows, output, &mut compiler);
    let shape = row_shape(&mut rows, output, &mut columns, &mut compiler);
    rows.select.order_by = rows.order_terms(&mut compiler);
    rows.select.limit = Some(compiler.parameters.unsigned(most));
    if request.offset > 0 {
        rows.select.offset = Some(compiler.parameters.unsigned(request.offset));
    }
    Compiled {
        sql: rows.select.render().to_string(),
        parameters: compiler.parameters.into_pairs(),
        aliases: rows.select.aliases(),
        shape,
        columns,
        keyset,
        reads: compiler.reads,
        warnings: Vec::new(),
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
    for ((column, kind), name) in kinds.into_iter().zip(super::request::EVENT_COLUMNS) {
        let sql: Sql = rows.select.column(&Source::Table(column), compiler);
        let (sql, wire) = match column {
            T::Timestamp => (sql!("toUnixTimestamp64Nano({})", sql), Wire::TimeNs),
            _ => (sql, Wire::Json),
        };
        rows.select.output(sql, compiler);
        columns.push(OutputColumn { column: Column::plain(name, kind), wire });
    }
}
