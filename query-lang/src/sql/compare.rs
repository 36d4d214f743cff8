//! `compare`: the same figures over the range moved back, beside the present ones.

use super::aggregate::Grouping;
use super::combine::same_column;
use super::compiler::{Compiler, Moved, Range};
use super::pipe::Before;
use super::rows::{Named, Names, OrderBy, OrderKey, Place, Rows};
use super::select::{From, Select, Source};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Absent, Amount, Column, Literal, LiteralClass, Role, Stage, StageNode};

/// Groups that the earlier range may have beside the present ones.
const MOST_GROUPS: u64 = 100_000;

/// Which groups of the earlier range are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    /// Those that are there now.
    Present,
    /// Those of series that are there now.
    PresentSeries,
}

impl Rows {
    /// `before` ends with the stage whose figures are compared.
    pub(super) fn compare(
        self,
        shift: &Literal,
        before: Before,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let Some((stage, _)) = before.stages.split_last() else { return Ok(self) };
        let columns = stage.output.clone().unwrap_or_default().columns().to_vec();
        let moved = moved(shift);
        let range = earlier(&compiler.whole, moved, compiler);
        let stages = all_groups(before.stages);
        let earlier = Before { filter: before.filter, stages: &stages }.rows_in(range, compiler)?;
        let shown = match &stage.node {
            StageNode::Top { .. } => Shown::Present,
            StageNode::Timechart { split: Some(_), .. } => Shown::PresentSeries,
            _ => Shown::All,
        };
        Ok(beside(self, earlier, &columns, shown, compiler))
    }
}

fn moved(shift: &Literal) -> Moved {
    let nanos = match &shift.class {
        LiteralClass::Duration(amount) => amount.whole().unwrap_or(0),
        _ => 0,
    };
    if nanos % Amount::NANOS_PER_DAY == 0 {
        Moved { days: nanos / Amount::NANOS_PER_DAY, nanos: 0 }
    } else {
        Moved { days: 0, nanos }
    }
}

/// The range moved back: days by the calendar of the request's time zone.
fn earlier(range: &Range, moved: Moved, compiler: &Compiler) -> Range {
    let back = |ns: i64| {
        let days = jiff::Span::new().try_days(moved.days).ok();
        let time = jiff::Timestamp::from_nanosecond(i128::from(ns)).ok();
        let zoned = time.map(|time| time.to_zoned(compiler.request.tz.clone()));
        let by_calendar = zoned.zip(days).and_then(|(zoned, days)| zoned.checked_sub(days).ok());
        let ns =
            by_calendar.and_then(|zoned| i64::try_from(zoned.timestamp().as_nanosecond()).ok()).unwrap_or(ns);
        ns.saturating_sub(moved.nanos)
    };
    Range { from_ns: back(range.from_ns), to_ns: back(range.to_ns), moved: Some(moved) }
}

/// The pipe without the limit of `top`: which groups are shown is decided by the present range.
fn all_groups(stages: &[Stage]) -> Vec<Stage> {
    let mut stages = stages.to_vec();
    if let Some(Stage { node: StageNode::Top { count, .. }, .. }) = stages.last_mut() {
        *count = MOST_GROUPS;
    }
    stages
}

/// Both tables in one, by their keys.
fn beside(present: Rows, earlier: Rows, columns: &[Column], shown: Shown, compiler: &mut Compiler) -> Rows {
    let order = present.order.clone();
    let mut sides = vec![present, earlier];
    for side in &mut sides {
        side.wrap();
    }
    let of_columns: Vec<Place> =
        columns.iter().map(|column| column_of(&mut sides, &column.name, compiler)).collect();
    let of_order = order_columns(&mut sides, compiler);
    let is_present = compiler.next_computed();
    for (side, flag) in sides.iter_mut().zip(["true", "false"]) {
        side.select.define(is_present, Sql::new(flag));
    }
    let selects = sides.into_iter().map(|side| side.select).collect();
    let mut rows = Rows {
        select: Select::new(From::Union(selects)),
        names: Names::Table(Vec::new()),
        order: Vec::new(),
        unpacked: Vec::new(),
        position: None,
    };
    let is_present = rows.select.column(&Source::Computed(is_present), compiler);

    let mut grouping = Grouping::of(rows);
    let mut keys = Vec::new();
    let mut series = Vec::new();
    for (column, place) in columns.iter().zip(&of_columns).filter(|(column, _)| column.role != Role::Measure)
    {
        let value = grouping.rows.value(place, compiler);
        let key = grouping.typed_key(&column.name, value, compiler);
        if column.role != Role::Time {
            series.push(key.clone());
        }
        keys.push((place.clone(), key));
    }
    for place in &of_order {
        if !of_columns.contains(place) && !keys.iter().any(|(old, _)| old == place) {
            let value = grouping.rows.value(place, compiler);
            let key = grouping.typed_key("", value, compiler);
            keys.push((place.clone(), key));
        }
    }
    let mut measures = Vec::new();
    for (column, place) in columns.iter().zip(&of_columns).filter(|(column, _)| column.role == Role::Measure)
    {
        let value = grouping.rows.value(place, compiler);
        let side = |condition: Sql| Value::new(on_side(&value, column.absent, &condition), value.repr);
        let now = grouping.measure(&column.name, side(is_present.clone()), compiler);
        let then = grouping.measure("", side(sql!("NOT {}", is_present)), compiler);
        keys.push((place.clone(), now.clone()));
        measures.push((now, then));
    }
    let count = Value::new(sql!("countIf({})", is_present), Repr::Number);
    let present = grouping.measure("", count, compiler);
    let mut rows = grouping.finish(compiler);

    show(&mut rows, shown, &present, &series, compiler);
    let new_place = |old: &Place| keys.iter().find(|(known, _)| known == old).map(|(_, new)| new.clone());
    rows.order = order
        .iter()
        .zip(&of_order)
        .filter_map(|(key, place)| {
            Some(OrderKey { by: OrderBy::Place(new_place(place)?), descending: key.descending })
        })
        .collect();
    let mut measures = measures.into_iter();
    let mut named = Vec::new();
    for (column, old) in columns.iter().zip(&of_columns) {
        named.push(Named { name: column.name.clone(), place: new_place(old).unwrap_or(Place::Nothing) });
        if column.role == Role::Measure
            && let Some((now, then)) = measures.next()
        {
            named.extend(differences(&mut rows, &column.name, &now, then, compiler));
        }
    }
    rows.names = Names::Table(named);
    rows
}

fn column_of(sides: &mut [Rows], name: &str, compiler: &mut Compiler) -> Place {
    let places: Vec<Place> = sides.iter().map(|side| side.place_of_column(name)).collect();
    same_column(sides, &places, compiler)
}

/// What the rows are ordered by, as columns of both sides. A column that is also shown is the same one.
fn order_columns(sides: &mut [Rows], compiler: &mut Compiler) -> Vec<Place> {
    let length = sides.iter().map(|side| side.order.len()).min().unwrap_or(0);
    (0..length)
        .map(|index| {
            let place = |side: &Rows| match &side.order[index].by {
                OrderBy::Place(place) => place.clone(),
                OrderBy::Table(_) => Place::Nothing,
            };
            let places: Vec<Place> = sides.iter().map(place).collect();
            same_column(sides, &places, compiler)
        })
        .collect()
}

/// A measure of one side; a group that is missing there counts 0, or is null.
fn on_side(value: &Value, absent: Absent, condition: &Sql) -> Sql {
    let cell = match value.repr {
        Repr::Array | Repr::Dynamic => sql!("anyIf({}, {})", value.sql, condition),
        _ => sql!("anyIf(toNullable({}), {})", value.sql, condition),
    };
    if absent == Absent::Null || value.repr != Repr::Number { cell } else { sql!("ifNull({}, 0)", cell) }
}

fn show(rows: &mut Rows, shown: Shown, present: &Place, series: &[Place], compiler: &mut Compiler) {
    let count = rows.value(present, compiler).sql;
    match shown {
        Shown::All => {}
        Shown::Present => rows.select.filters.push(sql!("{} > 0", count)),
        Shown::PresentSeries => {
            let keys: Vec<Sql> = series.iter().map(|key| rows.value(key, compiler).sql).collect();
            let seen = sql!("max({}) OVER (PARTITION BY {})", count, Sql::join(keys, ", "));
            let seen = rows.compute(Value::new(seen, Repr::Number), compiler);
            if let Place::Computed(id, _) = seen {
                rows.select.export(&Source::Computed(id), compiler);
            }
            rows.wrap();
            let seen = rows.value(&seen, compiler).sql;
            rows.select.filters.push(sql!("{} > 0", seen));
        }
    }
}

fn differences(rows: &mut Rows, name: &str, now: &Place, then: Place, compiler: &mut Compiler) -> Vec<Named> {
    let (x, y) = (rows.value(now, compiler).number(), rows.value(&then, compiler).number());
    // Counts have no sign.
    let delta = sql!("(toFloat64({}) - toFloat64({}))", x, y);
    let percent = sql!("(100 * {} / nullIf(toFloat64({}), 0))", delta, y);
    let number = |sql: Sql| Value::new(sql, Repr::Number);
    let delta = rows.compute(number(delta), compiler);
    let percent = rows.compute(number(percent), compiler);
    vec![
        Named { name: format!("{name}_prev"), place: then },
        Named { name: format!("{name}_delta"), place: delta },
        Named { name: format!("{name}_pct"), place: percent },
    ]
}
