//! `timechart` and `fill`: every bin of the range, series by series.

use std::collections::HashMap;

use super::groups::{Group, GroupPlan};
use super::order;
use super::rows::OwnedRow;
use super::{Range, table};
use crate::ast::{Absent, Bin, BinUnit, Column, FillValue, Kind, Role};
use crate::eval::function::start_of;
use crate::eval::value::Value;

/// No bin is shorter than this once it is aligned to local time.
const LOCAL_STEP_NS: i64 = 1_800_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub step: Bin,
    pub limit: u64,
    pub other: bool,
    pub split: bool,
    pub columns: Vec<Column>,
}

/// A series: the rest, or those with this key.
#[derive(Debug)]
struct Series {
    is_other: bool,
    key: Value<'static>,
    bins: HashMap<i64, Group>,
}

/// The rows of a chart, by time and then by series with the rest last. The last state of each group counts its events.
pub(super) fn rows(plan: &GroupPlan, chart: &Chart, groups: Vec<Group>) -> Vec<Vec<Value<'static>>> {
    let mut series = series(plan, chart, groups);
    if !chart.split && series.is_empty() {
        series.push(Series { is_other: false, key: Value::Null, bins: HashMap::new() });
    }
    series.sort_by(|a, b| a.is_other.cmp(&b.is_other).then_with(|| order::ascending(&a.key, &b.key)));
    let mut starts = bins(chart.step, &plan.range);
    starts.extend(series.iter().flat_map(|series| series.bins.keys().copied()));
    starts.sort_unstable();
    starts.dedup();
    let measures = plan.aggregates.len() - 1;
    let columns = &chart.columns[chart.columns.len().saturating_sub(measures)..];
    let row = |start: i64, series: &Series| {
        let mut row = vec![Value::Time(start)];
        if chart.split {
            row.push(if series.is_other { Value::text("(other)") } else { series.key.clone() });
        }
        match series.bins.get(&start) {
            Some(group) => row.extend(
                plan.aggregates.iter().zip(&group.states).take(measures).map(|(a, state)| a.finish(state)),
            ),
            None => row.extend(columns.iter().map(|column| absent(column, column.absent == Absent::Zero))),
        }
        row
    };
    starts.iter().flat_map(|start| series.iter().map(|series| row(*start, series))).collect()
}

/// Those with the most events, and everything else as one.
fn series(plan: &GroupPlan, chart: &Chart, groups: Vec<Group>) -> Vec<Series> {
    let mut found: HashMap<Vec<u8>, (u64, Vec<Group>)> = HashMap::new();
    for group in groups {
        let mut name = Vec::new();
        group.keys.iter().skip(1).for_each(|key| order::encode(key, &mut name));
        let (events, groups) = found.entry(name).or_default();
        *events += group.states.last().map_or(0, super::aggregate::State::count);
        groups.push(group);
    }
    let key = |groups: &[Group]| groups[0].keys.get(1).cloned().unwrap_or(Value::Null);
    let mut found: Vec<(u64, Vec<Group>)> = found.into_values().collect();
    found.sort_by(|(n, a), (m, b)| m.cmp(n).then_with(|| order::ascending(&key(a), &key(b))));
    let rest = found.split_off(found.len().min(chart.limit as usize));
    let mut series: Vec<Series> = found
        .into_iter()
        .map(|(_, groups)| Series { is_other: false, key: key(&groups), bins: by_bin(plan, groups) })
        .collect();
    if chart.other && !rest.is_empty() {
        let groups = rest.into_iter().flat_map(|(_, groups)| groups).collect();
        series.push(Series { is_other: true, key: Value::Null, bins: by_bin(plan, groups) });
    }
    series
}

fn by_bin(plan: &GroupPlan, groups: Vec<Group>) -> HashMap<i64, Group> {
    let mut bins: HashMap<i64, Group> = HashMap::new();
    for group in groups {
        let Some(Value::Time(start)) = group.keys.first() else { continue };
        match bins.get_mut(start) {
            Some(known) => plan.join(known, group),
            None => drop(bins.insert(*start, group)),
        }
    }
    bins
}

/// The starts of all bins that the range touches.
fn bins(bin: Bin, range: &Range) -> Vec<i64> {
    let is_local = matches!(bin.unit, BinUnit::Hour | BinUnit::Day | BinUnit::Week);
    let step = if is_local { LOCAL_STEP_NS } else { bin.nanos() };
    let mut starts = Vec::new();
    let mut at = range.from_ns;
    while at < range.to_ns {
        starts.extend(start_of(bin, at, &range.zone));
        at = at.saturating_add(step);
    }
    starts.extend(start_of(bin, range.to_ns.saturating_sub(1), &range.zone));
    starts.dedup();
    starts
}

fn absent(column: &Column, is_zero: bool) -> Value<'static> {
    match column.kind {
        Kind::Array => Value::owned(serde_json::json!([])),
        Kind::Number if is_zero => Value::Number(0.0),
        _ => Value::Null,
    }
}

/// A `fill` made ready.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    pub step: Bin,
    pub value: FillValue,
    /// Of the table before.
    pub columns: Vec<Column>,
    /// Column and whether it descends: the order that the rows have, and keep.
    pub order: Vec<(String, bool)>,
    pub range: Range,
}

impl Fill {
    /// Adds the missing bins of the range to every group.
    pub(super) fn run(&self, rows: Vec<OwnedRow>) -> Vec<OwnedRow> {
        let time = self.columns.iter().position(|column| column.role == Role::Time);
        let Some(time) = time else { return rows };
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let is_key = |column: &Column| column.role == Role::Key;
        let mut groups: HashMap<Vec<u8>, Vec<Vec<Value<'static>>>> = HashMap::new();
        for row in &rows {
            let cells = row.cells(&self.columns);
            let mut key = Vec::new();
            let keys = self.columns.iter().zip(&cells).filter(|(column, _)| is_key(column));
            keys.for_each(|(_, value)| order::encode(value, &mut key));
            groups.entry(key).or_default().push(cells);
        }
        if groups.is_empty() && !self.columns.iter().any(is_key) {
            groups.insert(Vec::new(), Vec::new());
        }
        let starts = bins(self.step, &self.range);
        let complete = groups.into_values().flat_map(|group| self.complete(group, time, &starts));
        let rows = complete.enumerate().map(|(index, cells)| OwnedRow::of_table(&names, cells, index));
        let mut rows: Vec<OwnedRow> = rows.collect();
        let time = names[time].clone();
        let keys =
            self.columns.iter().filter(|column| is_key(column)).map(|column| (column.name.clone(), false));
        let order: Vec<(String, bool)> =
            self.order.iter().cloned().chain([(time, false)]).chain(keys).collect();
        table::sort_by_columns(&mut rows, &order);
        rows
    }

    fn complete(
        &self,
        mut group: Vec<Vec<Value<'static>>>,
        time: usize,
        starts: &[i64],
    ) -> Vec<Vec<Value<'static>>> {
        let present: Vec<Value> = group.iter().map(|cells| cells[time].clone()).collect();
        let model = group.first().cloned().unwrap_or_else(|| vec![Value::Null; self.columns.len()]);
        let mut added = Vec::new();
        for start in starts.iter().filter(|start| !present.contains(&Value::Time(**start))) {
            let cell = |(index, column): (usize, &Column)| match column.role {
                _ if index == time => Value::Time(*start),
                Role::Key => model[index].clone(),
                _ => absent(column, self.value == FillValue::Zero),
            };
            added.push(group.len());
            group.push(self.columns.iter().enumerate().map(cell).collect());
        }
        let mut indices: Vec<usize> = (0..group.len()).collect();
        indices.sort_by(|a, b| order::ascending(&group[*a][time], &group[*b][time]));
        if matches!(self.value, FillValue::Previous | FillValue::Linear) {
            let measures = (0..self.columns.len())
                .filter(|index| *index != time && self.columns[*index].role != Role::Key);
            measures.for_each(|measure| self.carry(&mut group, &indices, &added, time, measure));
        }
        group
    }

    /// Gives the added bins the value before, or one on the line between the values around.
    fn carry(
        &self,
        group: &mut [Vec<Value<'static>>],
        order: &[usize],
        added: &[usize],
        time: usize,
        measure: usize,
    ) {
        let known = |index: &usize| !added.contains(index) && group[*index][measure].is_present();
        let filled: Vec<(usize, Value<'static>)> = added
            .iter()
            .filter_map(|index| {
                let place = order.iter().position(|other| other == index)?;
                let before = order[..place].iter().rev().find(|index| known(index))?;
                let previous = group[*before][measure].clone();
                if self.value == FillValue::Previous {
                    return Some((*index, previous));
                }
                let after = order[place..].iter().find(|index| known(index))?;
                let at = |index: usize| match group[index][time] {
                    Value::Time(ns) => ns as f64,
                    _ => 0.0,
                };
                let (low, high) = (previous.to_number()?, group[*after][measure].to_number()?);
                let share = (at(*index) - at(*before)) / (at(*after) - at(*before));
                Some((*index, Value::number(low + (high - low) * share)))
            })
            .collect();
        for (index, value) in filled {
            group[index][measure] = value;
        }
    }
}
