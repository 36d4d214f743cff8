//! Questions about whole minutes (five, fifteen) answered from what the engine has counted already.
//!
//! The rollups are projections of `logs`, which the engine keeps with every part: they are never behind the events, and
//! go when these go. It takes one by itself where a scan asks for nothing that the rollup does not hold. So whole steps
//! of the range are asked for in the rollup's words, its ragged ends are read from the events, and both are added. Parts
//! that have no rollup yet give the same answer from their events.

use super::compiler::{Compiler, Range};
use super::overview::{keeps_events, matching};
use super::predicate::instant;
use super::rows::{Place, Rows};
use super::select::{ComputedId, From, Select, Source, TableColumn};
use super::text::{Sql, sql};
use super::value::Value;
use crate::Diagnostic;
use crate::ast::{Core, Filter, FilterNode, Predicate, Query, Target, Test};

/// What a rollup counts by, beside level and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `level_stats`
    Minute,
    /// `field_stats`
    FiveMinutes,
    /// `pattern_stats`
    Quarter,
}

/// Shorter stretches are read from the events.
const FEWEST_STEPS: i64 = 2;
/// The engine's whole seconds end in 2106.
const LAST_NS: i64 = 4_294_800_000_000_000_000;

impl Step {
    pub(super) fn nanos(self) -> i64 {
        match self {
            Self::Minute => 60_000_000_000,
            Self::FiveMinutes => 300_000_000_000,
            Self::Quarter => 900_000_000_000,
        }
    }

    /// The step of an event, as the projection has it.
    pub(super) fn of(self, time: &Sql) -> Sql {
        match self {
            Self::Minute => sql!("toStartOfMinute({})", time),
            Self::FiveMinutes => sql!("toStartOfFiveMinutes({})", time),
            Self::Quarter => sql!("toStartOfFifteenMinutes({})", time),
        }
    }

    /// The whole steps of a range.
    fn within(self, range: &Range) -> Option<Range> {
        let step = self.nanos();
        let from_ns = range.from_ns.checked_add(step - 1)?.div_euclid(step) * step;
        let to_ns = range.to_ns.min(LAST_NS).div_euclid(step) * step;
        let is_worth_it = from_ns >= 0 && to_ns.checked_sub(from_ns)? >= FEWEST_STEPS * step;
        is_worth_it.then_some(Range { from_ns, to_ns, moved: None })
    }
}

impl Step {
    /// The range with its first and its last step made whole.
    pub(super) fn around(self, range: &Range) -> Option<Range> {
        let step = self.nanos();
        let from_ns = range.from_ns.div_euclid(step) * step;
        let to_ns = range.to_ns.checked_add(step - 1)?.div_euclid(step) * step;
        (from_ns >= 0 && to_ns <= LAST_NS).then_some(Range { from_ns, to_ns, moved: None })
    }
}

/// Some of the matching events, and their times as exactly as they are known: nanoseconds since 1970.
pub(super) struct Part {
    pub rows: Rows,
    pub ns: Sql,
    pub is_rollup: bool,
}

/// The matching events: all of them, or whole steps and the rest. `interval_ns` is the width of the buckets, 0 for none.
pub(super) fn parts(
    query: &Query,
    step: Step,
    interval_ns: i64,
    compiler: &mut Compiler,
) -> Result<Vec<Part>, Diagnostic> {
    let whole = step.within(&compiler.range).filter(|_| interval_ns % step.nanos() == 0 && is_known(query));
    let mut rest = matching(query, compiler)?;
    let time = rest.select.column(&Source::Table(TableColumn::Timestamp), compiler);
    let mut parts = Vec::new();
    if let Some(whole) = whole {
        let (from, to) = (
            instant(whole.from_ns, &mut compiler.parameters),
            instant(whole.to_ns, &mut compiler.parameters),
        );
        rest.select.filters.push(sql!("({} < {} OR {} >= {})", time, from, time, to));
        parts.push(steps(query, step, &whole, compiler)?);
    }
    parts.push(Part { rows: rest, ns: sql!("toUnixTimestamp64Nano({})", time), is_rollup: false });
    Ok(parts)
}

/// Whether the rollup of this step holds most of the answer.
pub(super) fn is_answered(query: &Query, step: Step, compiler: &Compiler) -> bool {
    is_known(query) && step.within(&compiler.range).is_some()
}

fn steps(query: &Query, step: Step, whole: &Range, compiler: &mut Compiler) -> Result<Part, Diagnostic> {
    let mut rows = Rows::events(compiler.scan_steps(step, whole));
    if let Some(filter) = &query.filter {
        rows.search(filter, compiler)?;
    }
    let time = rows.select.column(&Source::Table(TableColumn::Timestamp), compiler);
    let ns = sql!("toInt64(toUnixTimestamp({})) * 1000000000", step.of(&time));
    Ok(Part { rows, ns, is_rollup: true })
}

/// Whether all that decides about an event is its level and its source.
fn is_known(query: &Query) -> bool {
    query.stages.first().is_none_or(|stage| !keeps_events(stage))
        && query.filter.as_ref().is_none_or(is_of_keys)
}

fn is_of_keys(filter: &Filter) -> bool {
    match &filter.node {
        FilterNode::All => true,
        FilterNode::And(terms) | FilterNode::Or(terms) => terms.iter().all(is_of_keys),
        FilterNode::Not(inner) => is_of_keys(inner),
        FilterNode::Text(_) | FilterNode::AnyText(_) => false,
        FilterNode::Predicate(predicate) => is_of_key(predicate),
    }
}

fn is_of_key(predicate: &Predicate) -> bool {
    matches!(predicate.field.target, Target::Core(Core::Level | Core::Source))
        && !matches!(predicate.test, Test::InQuery(_))
}

/// What is computed of each part, in the same order for all of them.
pub(super) struct Columns {
    pub keys: Vec<Value>,
    pub measures: Vec<Value>,
}

/// The groups of all parts, one after the other, and the places of their keys and measures.
pub(super) fn grouped(
    parts: Vec<Part>,
    compiler: &mut Compiler,
    columns: impl Fn(&mut Part, &mut Compiler) -> Columns,
) -> (Rows, Vec<Place>) {
    let mut places: Vec<Place> = Vec::new();
    let mut selects = Vec::new();
    for mut part in parts {
        let Columns { keys, measures } = columns(&mut part, compiler);
        let group_by = keys.iter().map(|key| key.sql.clone()).collect();
        for (index, value) in keys.into_iter().chain(measures).enumerate() {
            if places.len() == index {
                places.push(Place::Computed(compiler.next_computed(), value.repr));
            }
            part.rows.select.define(id_of(&places[index]), value.sql);
        }
        part.rows.select.group_by = Some(group_by);
        selects.push(part.rows.select);
    }
    let mut rows = Rows::table(Select::new(From::Nothing), Vec::new(), Vec::new());
    rows.select = Select::new(From::Union(selects));
    (rows, places)
}

fn id_of(place: &Place) -> ComputedId {
    match place {
        Place::Computed(id, _) => *id,
        _ => unreachable!("made as computed places"),
    }
}
