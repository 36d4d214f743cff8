//! The statement of a Parquet file: the same rows with names and types that other programs understand.

use super::SearchError;
use crate::error::InvalidFields;
use query_lang::ast::Kind;
use query_lang::sql::{Compiled, EVENT_COLUMNS, OutputColumn, Parameter, RowShape, Wire};

/// Names go in as parameters, as everything that a person has typed.
///
/// # Errors
/// 422 `invalid`: a stage changed whole events in a way that only rows of JSON can show.
pub(super) fn of(compiled: &Compiled) -> Result<Compiled, SearchError> {
    let mut file = Builder { compiled, items: Vec::new(), parameters: compiled.parameters.clone() };
    match &compiled.shape {
        RowShape::Table => file.columns(&compiled.columns, 0),
        RowShape::Events { dropped, renamed, unpacked } => {
            if !(dropped.is_empty() && renamed.is_empty() && unpacked.is_empty()) {
                let detail = "drop, rename and unpack change whole events, which Parquet cannot show: end the query with \
                              `| fields …`, or take ndjson or csv.";
                return Err(InvalidFields::one("format", "not_possible", detail).into());
            }
            file.event();
            file.columns(&compiled.columns[EVENT_COLUMNS.len()..], EVENT_COLUMNS.len());
        }
    }
    let sql = format!("SELECT {} FROM ({})", file.items.join(", "), compiled.sql);
    Ok(Compiled { sql, parameters: file.parameters, ..compiled.clone() })
}

struct Builder<'c> {
    compiled: &'c Compiled,
    items: Vec<String>,
    parameters: Vec<(String, Parameter)>,
}

impl Builder<'_> {
    fn columns(&mut self, columns: &[OutputColumn], first: usize) {
        for (index, column) in columns.iter().enumerate() {
            let alias = &self.compiled.aliases[first + index];
            let value = match column.wire {
                Wire::TimeNs => format!("fromUnixTimestamp64Nano(CAST({alias}, 'Nullable(Int64)'), 'UTC')"),
                // Values of several types are texts in a file whose columns have one.
                Wire::Json if matches!(column.column.kind, Kind::Any | Kind::Level) => {
                    format!("CAST({alias}, 'Nullable(String)')")
                }
                Wire::Json => alias.clone(),
            };
            let name = format!("n{}", first + index);
            self.items.push(format!("{value} AS {{{name}:Identifier}}"));
            self.parameters.push((name, Parameter::Path(column.column.name.clone())));
        }
    }

    fn event(&mut self) {
        let alias = |name: &str| {
            let index = EVENT_COLUMNS.iter().position(|column| *column == name);
            index.and_then(|index| self.compiled.aliases.get(index)).map_or("NULL", String::as_str)
        };
        let (time, batch, row) = (alias("timestamp"), alias("batch_id"), alias("batch_row"));
        let mut items = vec![
            format!(
                "lower(concat(leftPad(hex(bitXor(reinterpretAsUInt64({time}), 9223372036854775808)), 16, '0'), \
                 leftPad(hex({batch}), 16, '0'), leftPad(hex({row}), 8, '0'))) AS id"
            ),
            format!("fromUnixTimestamp64Nano({time}, 'UTC') AS timestamp"),
            format!("nullIf(toString({}), 'unknown') AS level", alias("level")),
        ];
        for name in ["source", "host", "message", "trace_id", "span_id"] {
            items.push(format!("nullIf(toString({}), '') AS {name}", alias(name)));
        }
        items.push(format!("toJSONString({}) AS attributes", alias("attributes")));
        self.items = items;
    }
}
