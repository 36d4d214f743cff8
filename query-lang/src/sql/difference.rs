//! What sets some events apart from others: every field and value, counted in both.
//!
//! The events are told apart by filters and times alone, in one scan over the range that holds both.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::condition::Condition;
use super::distribution::masked;
use super::overview::{fields_of_event, statement};
use super::predicate::instant;
use super::request::{Compiled, Request, Scope};
use super::rows::{OrderBy, OrderKey, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::ast::{Query, StageNode};
use crate::{Code, Diagnostic};

/// Longer values are rarely shared by two events, and are left out.
const MOST_VALUE_BYTES: u64 = 256;

/// Some of the events of a range.
#[derive(Clone, Copy, Debug)]
pub struct Baseline<'q> {
    pub query: &'q Query,
    pub from_ns: i64,
    /// Exclusive.
    pub to_ns: i64,
}

/// Which events are compared, and how many of them are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'q> {
    pub target: Baseline<'q>,
    /// Events that are in both belong to the target.
    pub baseline: Baseline<'q>,
    /// Of a million slices of time, how many are read; and how long a slice is.
    pub slices_of_million: u64,
    pub slice_ns: i64,
}

/// Rows of field, value, and how many events of the target and of the baseline have it; the most different first,
/// `request.limit` of them. The first row has no field: it counts all events. Without `values` that is the only row.
///
/// # Errors
/// As `compile`; E025 for stages that make new fields and then filter by them.
pub fn compile_difference(
    difference: &Difference<'_>,
    values: bool,
    scope: &Scope,
    request: &Request,
) -> Result<Compiled, Diagnostic> {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = Rows::events(compiler.scan());
    let target = rows.belongs(&difference.target, &mut compiler)?.two_valued();
    let baseline = rows.belongs(&difference.baseline, &mut compiler)?.two_valued();
    let side = Value::new(sql!("multiIf({}, 1, {}, 2, 0)", target, baseline), Repr::Number);
    let side = rows.compute(side, &mut compiler);
    rows.export_place(&side, &mut compiler);
    let sliced = rows.slices(difference, &mut compiler);
    rows.select.filters.push(sliced);
    let both = sql!("({} OR {})", target, baseline);
    rows.select.filters.push(both);
    let seen = if values { rows.values_of_event(&mut compiler) } else { Sql::new("[('', '')]") };
    // Columns are asked for before the level is closed: the next one computes over them.
    let seen = rows.compute(Value::new(seen, Repr::Array), &mut compiler);
    rows.export_place(&seen, &mut compiler);
    rows.wrap();
    let (seen, side) = (rows.value(&seen, &mut compiler).sql, rows.value(&side, &mut compiler).sql);
    let pair = compiler.next_alias();
    rows.select.array_join = Some(sql!("{} AS {}", seen, pair));
    let part = |index: u64| Value::new(sql!("tupleElement({}, {})", pair, Sql::number(index)), Repr::Text);
    let mut grouping = Grouping::of(rows);
    let field = grouping.key("field", &part(1), &mut compiler);
    grouping.key("value", &part(2), &mut compiler);
    let target =
        grouping.measure("target", Value::new(sql!("countIf({} = 1)", side), Repr::Number), &mut compiler);
    let baseline =
        grouping.measure("baseline", Value::new(sql!("countIf({} = 2)", side), Repr::Number), &mut compiler);
    let mut rows = grouping.finish(&mut compiler);
    let [field, t, b] = [&field, &target, &baseline].map(|place| rows.value(place, &mut compiler).sql);
    let whole = |n: &Sql| sql!("greatest(max(if({} = '', {}, 0)) OVER (), 1)", field, n);
    let apart = sql!("if({} = '', 2, abs({} / {} - {} / {}))", field, t, whole(&t), b, whole(&b));
    let apart = rows.compute(Value::new(apart, Repr::Number), &mut compiler);
    rows.export_place(&apart, &mut compiler);
    rows.wrap();
    rows.order.insert(0, OrderKey { by: OrderBy::Place(apart), descending: true });
    let limit = Some(request.limit);
    Ok(statement(rows, &["field", "value", "target", "baseline"], limit, compiler))
}

impl Rows {
    fn belongs(&mut self, events: &Baseline<'_>, compiler: &mut Compiler) -> Result<Condition, Diagnostic> {
        let time = self.select.column(&Source::Table(TableColumn::Timestamp), compiler);
        let from = instant(events.from_ns, &mut compiler.parameters);
        let to = instant(events.to_ns, &mut compiler.parameters);
        let mut conditions = vec![Condition::exact(sql!("{} >= {} AND {} < {}", time, from, time, to))];
        if let Some(filter) = &events.query.filter {
            conditions.push(self.filter_condition(filter, compiler)?);
        }
        let mut has_new_fields = false;
        for stage in &events.query.stages {
            match &stage.node {
                StageNode::Where(_) | StageNode::Search(_) if has_new_fields => {
                    let message =
                        format!("'{}' stands behind a stage that makes new fields", stage.node.name());
                    return Err(Diagnostic::error(Code::E025, stage.span, message)
                        .hint("events are compared by their own fields: filter before that stage"));
                }
                StageNode::Where(condition) => conditions.push(self.condition(condition, compiler)?),
                StageNode::Search(filter) => conditions.push(self.filter_condition(filter, compiler)?),
                StageNode::Eval(_)
                | StageNode::Parse { .. }
                | StageNode::Extract { .. }
                | StageNode::Unpack { .. }
                | StageNode::Fields(_)
                | StageNode::Drop(_)
                | StageNode::Rename(_)
                | StageNode::Sample { .. } => has_new_fields = true,
                _ => break,
            }
        }
        Ok(Condition::all(conditions))
    }

    /// Whole stretches of time are read or left out, so that what is left out costs nothing.
    fn slices(&mut self, difference: &Difference<'_>, compiler: &mut Compiler) -> Sql {
        let time = self.select.column(&Source::Table(TableColumn::Timestamp), compiler);
        let slice = compiler.parameters.integer(difference.slice_ns.max(1));
        let kept = compiler.parameters.unsigned(difference.slices_of_million);
        sql!("intHash64(toUInt64(intDiv(toUnixTimestamp64Nano({}), {}))) % 1000000 < {}", time, slice, kept)
    }

    /// (field, value) of what an event may share with others, the shape of its message too, and ('', '') for itself.
    fn values_of_event(&mut self, compiler: &mut Compiler) -> Sql {
        let fields = fields_of_event(self, compiler);
        let shape = self.select.column(&Source::Table(TableColumn::PatternId), compiler);
        let most = compiler.parameters.unsigned(MOST_VALUE_BYTES);
        sql!(
            "arrayConcat([('', ''), ('pattern', toString({}))], \
             arrayMap(f -> (f.1, f.3), arrayFilter(f -> f.1 NOT IN ('message', 'trace_id', 'span_id') AND length(f.3) <= {}, {})))",
            shape,
            most,
            fields
        )
    }
}

/// The shapes with these fingerprints: rows of fingerprint and pattern, as far as the range has events of them.
#[must_use]
pub fn compile_pattern_names(shapes: &[u64], scope: &Scope, request: &Request) -> Compiled {
    let mut compiler = Compiler::new(scope, request);
    let mut rows = Rows::events(compiler.scan());
    let shape = rows.select.column(&Source::Table(TableColumn::PatternId), &mut compiler);
    let message = rows.select.column(&Source::Table(TableColumn::Message), &mut compiler);
    let wanted: Vec<Sql> = shapes.iter().map(|shape| compiler.parameters.unsigned(*shape)).collect();
    rows.select.filters.push(sql!("{} IN ({})", shape, Sql::join(wanted, ", ")));
    let mut grouping = Grouping::of(rows);
    grouping.key("shape", &Value::new(shape, Repr::Number), &mut compiler);
    let sample = grouping.measure("", Value::new(sql!("any({})", message), Repr::Text), &mut compiler);
    let mut rows = grouping.finish(&mut compiler);
    let sample = rows.value(&sample, &mut compiler).sql;
    let pattern = rows.compute(Value::new(masked(&sample, &mut compiler), Repr::Text), &mut compiler);
    rows.name("pattern", pattern);
    statement(rows, &["shape", "pattern"], None, compiler)
}
