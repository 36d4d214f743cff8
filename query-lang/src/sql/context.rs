//! `context`: the events around each hit, whatever they are.

use super::compiler::Compiler;
use super::rows::Rows;
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Field, Filter, Literal, LiteralClass};

/// How far from a hit its neighbours may be when nobody says.
const WITHIN_NS: i64 = 3_600_000_000_000;

/// Which neighbours are wanted.
pub(super) struct Around<'q> {
    pub before: u64,
    pub after: u64,
    pub within: Option<&'q Literal>,
    pub by: &'q [Field],
}

impl Rows {
    /// All events of the range, of which the hits and their neighbours stay; `is_match` tells which are hits. Once the
    /// rows of the page are known they are these.
    pub(super) fn around(
        filter: Option<&Filter>,
        around: &Around,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        compiler.looks_elsewhere = true;
        let mut rows = Rows::events(compiler.scan());
        let is_match = match filter {
            Some(filter) => rows.filter_condition(filter, compiler)?.two_valued(),
            None => Sql::new("1"),
        };
        let is_match = rows.compute(Value::new(sql!("CAST({}, 'Bool')", is_match), Repr::Bool), compiler);
        if compiler.page.is_some() {
            rows.name("is_match", is_match);
            return Ok(rows);
        }
        rows.export_place(&is_match, compiler);
        rows.wrap();
        let hit = rows.value(&is_match, compiler).sql;
        let keys: Vec<Sql> = around.by.iter().map(|field| rows.field(field, compiler).text()).collect();
        let partition =
            if keys.is_empty() { Sql::new("") } else { sql!("PARTITION BY {}", Sql::join(keys, ", ")) };
        let mut column = |column| rows.select.column(&Source::Table(column), compiler);
        let (time, batch, row) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        let ns = sql!("toUnixTimestamp64Nano({})", time);
        let order = sql!("ORDER BY {}, {}, {}", time, batch, row);
        // Rows before a hit see it ahead of them, rows after it behind.
        let (before, after) =
            (compiler.parameters.unsigned(around.before), compiler.parameters.unsigned(around.after));
        let behind = sql!("ROWS BETWEEN {} PRECEDING AND CURRENT ROW", after);
        let ahead = sql!("ROWS BETWEEN CURRENT ROW AND {} FOLLOWING", before);
        let at_hit = sql!("if({}, toNullable({}), NULL)", hit, ns);
        let past = sql!("max({}) OVER ({} {} {})", at_hit, partition, order, behind);
        let next = sql!("min({}) OVER ({} {} {})", at_hit, partition, order, ahead);
        let past = rows.compute(Value::new(sql!("{} - {}", ns, past), Repr::Number), compiler);
        let next = rows.compute(Value::new(sql!("{} - {}", next, ns), Repr::Number), compiler);
        rows.export_place(&past, compiler);
        rows.export_place(&next, compiler);
        rows.wrap();
        let within = compiler.parameters.integer(within_ns(around.within));
        let (past, next) = (rows.value(&past, compiler).sql, rows.value(&next, compiler).sql);
        let near = sql!("(ifNull({} <= {}, 0) OR ifNull({} <= {}, 0))", past, within, next, within);
        rows.select.filters.push(near);
        rows.name("is_match", is_match);
        Ok(rows)
    }
}

fn within_ns(within: Option<&Literal>) -> i64 {
    match within.map(|literal| &literal.class) {
        Some(LiteralClass::Duration(amount)) => amount.whole().unwrap_or(WITHIN_NS),
        _ => WITHIN_NS,
    }
}
