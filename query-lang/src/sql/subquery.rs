//! Subqueries in `in { … }`: the values of their only column.

use super::compiler::Compiler;
use super::rows::{Names, Rows};
use super::text::{Sql, sql};
use crate::Diagnostic;
use crate::ast::Query;

/// Values that `in { … }` may have; one more is fetched, so that too many are noticed.
pub(super) const MOST_VALUES: u64 = 10_000;

/// A SELECT of the different texts in the only column. Tenant and range are the outer query's, by the same scan.
pub(super) fn single_column(query: &Query, compiler: &mut Compiler) -> Result<Sql, Diagnostic> {
    let mut rows = Rows::of_others(query, compiler)?;
    if !rows.select.is_open() {
        rows.wrap();
    }
    let place = match &rows.names {
        Names::Table(named) => named.first().map(|named| named.place.clone()),
        Names::Events { .. } => None,
    };
    let Some(place) = place else { return Ok(Sql::new("NULL")) };
    let text = rows.value(&place, compiler).text();
    let present = sql!("isNotNull({})", text);
    rows.select.filters.push(present);
    let alias = rows.select.output(sql!("assumeNotNull({})", text), compiler);
    rows.select.group_by = Some(vec![sql!("{}", alias)]);
    rows.select.limit = Some(compiler.parameters.unsigned(MOST_VALUES + 1));
    Ok(rows.select.render())
}
