//! The statement of a whole query: its rows in their order, with the columns of the answer.

use super::compiler::Compiler;
use super::request::{Compiled, OutputColumn, Request, RowShape, Scope, Wire};
use super::rows::{Names, OrderBy, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Column, Query, Shape};

/// Compiles a checked query. `from_ns` and `to_ns` are the range that `check` gave, inside the request's.
///
/// # Errors
/// What only the whole shows: a stage or a table that is not there.
pub fn compile(query: &Query, scope: &Scope, request: &Request) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = Rows::of(query, &mut compiler)?;
    rows.open();
    let keyset = rows.is_events() && in_usual_order(&rows);
    if keyset && let Some(key) = request.after {
        let after = rows.older_than(key, &mut compiler);
        rows.select.filters.extend(after);
    }
    let columns = select_columns(&mut rows, &query.output(), &mut compiler);
    rows.select.order_by = rows.order_terms(&mut compiler);
    rows.select.limit = Some(compiler.parameters.unsigned(request.limit.saturating_add(1)));
    if request.offset > 0 {
        rows.select.offset = Some(compiler.parameters.unsigned(request.offset));
    }
    let shape = match &rows.names {
        Names::Events { dropped, .. } => RowShape::Events { dropped: dropped.clone() },
        Names::Table(_) => RowShape::Table,
    };
    Ok(Compiled { keyset, ..finished(rows, compiler, shape, columns) })
}

/// The statement of rows whose SELECT list is complete.
pub(super) fn finished(rows: Rows, compiler: Compiler, shape: RowShape, columns: Vec<OutputColumn>) -> Compiled {
    Compiled {
        sql: rows.select.render().to_string(),
        parameters: compiler.parameters.into_pairs(),
        shape,
        columns,
        keyset: false,
        warnings: Vec::new(),
    }
}

/// What the compiled expressions rely on, whatever the server's defaults are. They go with the request and not into the
/// text: a read-only statement may not change settings.
pub const SETTINGS: &[(&str, &str)] = &[
    ("short_circuit_function_evaluation", "enable"),
    ("precise_float_parsing", "1"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_named_tuples_as_objects", "1"),
];

fn in_usual_order(rows: &Rows) -> bool {
    rows.order
        .first()
        .is_some_and(|key| matches!(key.by, OrderBy::Table(TableColumn::Timestamp)) && key.descending)
}

pub(super) fn select_columns(rows: &mut Rows, shape: &Shape, compiler: &mut Compiler) -> Vec<OutputColumn> {
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

fn select_cell(rows: &mut Rows, value: &Value, column: Column, compiler: &mut Compiler) -> OutputColumn {
    let (sql, wire) = match value.repr {
        Repr::Time => (sql!("toUnixTimestamp64Nano({})", value.sql), Wire::TimeNs),
        _ => (value.cell().sql, Wire::Json),
    };
    rows.select.output(sql, compiler);
    OutputColumn { column, wire }
}

/// The columns of `EVENT_COLUMNS`.
fn select_event(rows: &mut Rows, columns: &mut Vec<OutputColumn>, compiler: &mut Compiler) {
    use crate::ast::Kind;
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
