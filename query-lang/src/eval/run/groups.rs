//! Stages that put rows into groups: stats, timechart, top, percentiles, uniq, histogram, facets, patterns, describe.

use std::collections::HashMap;

use super::aggregate::{Aggregator, State};
use super::chart::{self, Chart};
use super::keys::{KeyPlan, keys_of, masks, seconds_per_group, texts_of};
use super::rows::{OwnedRow, Position};
use super::{Range, histogram, order, too_many_groups};
use crate::ast::{
    Aggregate, AggregateFunction as F, Core, Field, HistogramBuckets, Kind, Literal, LiteralClass, Stage,
    StageNode,
};
use crate::eval::event::{Row, leaves};
use crate::eval::expression::Node;
use crate::eval::function::type_of;
use crate::eval::value::Value;
use crate::{Diagnostic, Span, limits};

#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    kind: Kinds,
    keys: Vec<KeyPlan>,
    pub(super) aggregates: Vec<Aggregator>,
    /// Names of the columns that come out.
    names: Vec<String>,
    pub(super) range: Range,
    span: Span,
}

#[derive(Clone, Debug)]
enum Kinds {
    Stats,
    Top { rare: bool, count: u64 },
    Chart(Chart),
    Histogram(HistogramBuckets),
    Facets { fields: Vec<Field>, limit: u64 },
    Patterns { limit: u64 },
    Describe,
}

#[derive(Debug, Default)]
pub struct Groups {
    pub(super) found: HashMap<Box<[u8]>, Group>,
    scratch: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub keys: Vec<Value<'static>>,
    pub states: Vec<State>,
}

impl GroupPlan {
    /// Nothing for stages that do not group. `order` becomes the order of the rows that come out.
    pub(super) fn of(
        stage: &Stage,
        range: &Range,
        order: &mut Vec<(String, bool)>,
    ) -> Result<Option<Self>, Diagnostic> {
        let names: Vec<String> = stage
            .output
            .as_ref()
            .map(|output| output.columns().iter().map(|column| column.name.clone()).collect())
            .unwrap_or_default();
        let plan = |kind, keys, aggregates| Self {
            kind,
            keys,
            aggregates,
            names: names.clone(),
            range: range.clone(),
            span: stage.name,
        };
        let count = || Aggregator::plain(F::Count, None, Kind::Any, 0.0);
        let plan = match &stage.node {
            StageNode::Stats { aggregates, keys } => {
                let seconds = seconds_per_group(keys, range);
                plan(Kinds::Stats, keys_of(keys, range)?, aggregators(aggregates, seconds, range)?)
            }
            StageNode::Percentiles { field, percents, keys } => {
                let percentile = |percent: &Literal| {
                    let share = match &percent.class {
                        LiteralClass::Number(number) => number.value / 100.0,
                        _ => f64::NAN,
                    };
                    Aggregator::plain(F::Percentile, Some(Node::Field(field.clone())), field.kind, share)
                };
                plan(Kinds::Stats, keys_of(keys, range)?, percents.iter().map(percentile).collect())
            }
            StageNode::Uniq(fields) => plan(Kinds::Stats, texts_of(fields, false), Vec::new()),
            StageNode::Top { rare, count: most, fields } => {
                plan(Kinds::Top { rare: *rare, count: *most }, texts_of(fields, true), vec![count()])
            }
            StageNode::Timechart { aggregates, split, limit, other, step, .. } => {
                let step = step.expect("the query is checked");
                let seconds = step.nanos() as f64 / 1e9;
                let columns =
                    stage.output.as_ref().map(|output| output.columns().to_vec()).unwrap_or_default();
                let chart = Chart { step, limit: *limit, other: *other, split: split.is_some(), columns };
                let mut keys = vec![KeyPlan::Bin(step)];
                keys.extend(keys_of(split.as_slice(), range)?);
                let mut aggregates = aggregators(aggregates, seconds, range)?;
                aggregates.push(count());
                plan(Kinds::Chart(chart), keys, aggregates)
            }
            StageNode::Histogram { field, buckets } => {
                let values =
                    Aggregator::plain(F::Percentile, Some(Node::Field(field.clone())), Kind::Number, 0.0);
                plan(Kinds::Histogram(buckets.clone()), Vec::new(), vec![values])
            }
            StageNode::Facets { fields, limit } => {
                plan(Kinds::Facets { fields: fields.clone(), limit: *limit }, Vec::new(), vec![count()])
            }
            StageNode::Patterns { field, keys, limit } => {
                let mut plans = vec![KeyPlan::Masked { field: field.clone(), masks: masks() }];
                plans.extend(keys_of(keys, range)?);
                let time = || Some(Node::Field(Field::of_event(Core::Timestamp.name(), Span::default())));
                let aggregates = vec![
                    count(),
                    Aggregator::plain(F::Min, time(), Kind::Time, 0.0),
                    Aggregator::plain(F::Max, time(), Kind::Time, 0.0),
                    Aggregator::plain(F::Last, Some(Node::Field(field.clone())), Kind::Text, 0.0),
                ];
                plan(Kinds::Patterns { limit: *limit }, plans, aggregates)
            }
            StageNode::Describe => {
                let one = |function| Aggregator::plain(function, None, Kind::Any, 10.0);
                plan(Kinds::Describe, Vec::new(), vec![one(F::Values), one(F::Count), one(F::First)])
            }
            _ => return Ok(None),
        };
        *order = plan.order();
        Ok(Some(plan))
    }

    fn order(&self) -> Vec<(String, bool)> {
        let keys = self.names.iter().take(self.keys.len().max(1)).map(|name| (name.clone(), false));
        match &self.kind {
            Kinds::Top { rare, .. } => std::iter::once(("count".to_owned(), !rare)).chain(keys).collect(),
            _ => keys.collect(),
        }
    }

    pub(super) fn start(&self) -> Groups {
        let mut groups = Groups::default();
        // Without a key there is one group, also over nothing.
        if self.keys.is_empty() && matches!(self.kind, Kinds::Stats | Kinds::Histogram(_)) {
            groups.found.insert(Box::default(), self.group(&[]));
        }
        groups
    }

    fn group(&self, keys: &[Value]) -> Group {
        Group {
            keys: keys.iter().map(|key| key.clone().into_owned()).collect(),
            states: self.aggregates.iter().map(Aggregator::start).collect(),
        }
    }

    pub(super) fn feed(&self, groups: &mut Groups, row: &Row, position: Position) -> Result<(), Diagnostic> {
        match &self.kind {
            Kinds::Facets { fields, .. } => {
                for (index, field) in fields.iter().enumerate() {
                    let value = row.field(field).as_text();
                    if value.is_present() {
                        let keys = [Value::Number(index as f64), Value::text(field.path.as_str()), value];
                        self.add(groups, &keys, row, position)?;
                    }
                }
                Ok(())
            }
            Kinds::Describe => self.describe(groups, row, position),
            _ => {
                let mut keys = Vec::with_capacity(self.keys.len());
                for key in &self.keys {
                    let Some(value) = key.value(row, &self.range) else { return Ok(()) };
                    keys.push(value);
                }
                self.add(groups, &keys, row, position)
            }
        }
    }

    fn add(
        &self,
        groups: &mut Groups,
        keys: &[Value],
        row: &Row,
        position: Position,
    ) -> Result<(), Diagnostic> {
        let group = self.entry(groups, keys)?;
        for (aggregate, state) in self.aggregates.iter().zip(&mut group.states) {
            aggregate.add(state, row, position);
        }
        Ok(())
    }

    fn entry<'g>(&self, groups: &'g mut Groups, keys: &[Value]) -> Result<&'g mut Group, Diagnostic> {
        groups.scratch.clear();
        keys.iter().for_each(|key| order::encode(key, &mut groups.scratch));
        if !groups.found.contains_key(groups.scratch.as_slice()) {
            if groups.found.len() as u64 >= limits::GROUPS {
                return Err(too_many_groups(self.span));
            }
            groups.found.insert(groups.scratch.as_slice().into(), self.group(keys));
        }
        Ok(groups.found.get_mut(groups.scratch.as_slice()).expect("it was just put there"))
    }

    fn describe(&self, groups: &mut Groups, row: &Row, position: Position) -> Result<(), Diagnostic> {
        let mut result = Ok(());
        leaves(row.event.attributes, &mut |path, value| {
            let value = Value::of_json(value);
            let group = match self.entry(groups, &[Value::text(path.to_owned())]) {
                Ok(group) => group,
                Err(error) => return result = Err(error),
            };
            match group.states.as_mut_slice() {
                [State::Texts(types), State::Count(count), State::At(example)] => {
                    types.insert(type_of(&value).to_owned());
                    *count += 1;
                    example.get_or_insert_with(|| (position, value.as_text().into_owned()));
                }
                _ => unreachable!("`of` made these states"),
            }
        });
        result
    }

    pub(super) fn merge(&self, into: &mut Groups, other: Groups) -> Result<(), Diagnostic> {
        for (key, group) in other.found {
            match into.found.get_mut(&key) {
                Some(known) => self.join(known, group),
                None => drop(into.found.insert(key, group)),
            }
        }
        if into.found.len() as u64 > limits::GROUPS { Err(too_many_groups(self.span)) } else { Ok(()) }
    }

    pub(super) fn join(&self, known: &mut Group, other: Group) {
        let states = known.states.iter_mut().zip(other.states);
        self.aggregates.iter().zip(states).for_each(|(aggregate, (a, b))| aggregate.merge(a, b));
    }

    /// The rows of the table, in its order.
    pub(super) fn finish(&self, groups: Groups) -> Vec<OwnedRow> {
        let mut groups: Vec<Group> = groups.found.into_values().collect();
        groups.sort_by(|a, b| by_keys(&a.keys, &b.keys));
        let rows = match &self.kind {
            Kinds::Stats => groups.iter().map(|group| self.row(group)).collect(),
            Kinds::Top { rare, count } => self.top(groups, *rare, *count),
            Kinds::Chart(chart) => chart::rows(self, chart, groups),
            Kinds::Histogram(buckets) => {
                let numbers = groups.first().and_then(|group| group.states.first());
                histogram::rows(numbers.map(State::numbers).unwrap_or_default(), buckets)
            }
            Kinds::Facets { limit, .. } => self.facets(groups, *limit),
            Kinds::Patterns { limit } => self.patterns(groups, *limit),
            Kinds::Describe => groups.iter().map(|group| self.row(group)).collect(),
        };
        let rows = rows.into_iter().enumerate();
        rows.map(|(index, values)| OwnedRow::of_table(&self.names, values, index)).collect()
    }

    fn row(&self, group: &Group) -> Vec<Value<'static>> {
        let values =
            self.aggregates.iter().zip(&group.states).map(|(aggregate, state)| aggregate.finish(state));
        group.keys.iter().cloned().chain(values).collect()
    }

    fn top(&self, mut groups: Vec<Group>, rare: bool, most: u64) -> Vec<Vec<Value<'static>>> {
        let total: u64 = groups.iter().map(Group::rows).sum();
        groups.sort_by_key(|group| if rare { group.rows() as i64 } else { -(group.rows() as i64) });
        let with_percent = |group: &Group| {
            let mut row = self.row(group);
            row.push(Value::number(100.0 * group.rows() as f64 / total as f64));
            row
        };
        groups.iter().take(most as usize).map(with_percent).collect()
    }

    fn facets(&self, mut groups: Vec<Group>, limit: u64) -> Vec<Vec<Value<'static>>> {
        // They are in the order of field and value; the sort keeps that among equals.
        groups.sort_by(|a, b| order::ascending(&a.keys[0], &b.keys[0]).then_with(|| b.rows().cmp(&a.rows())));
        let mut rows: Vec<Vec<Value<'static>>> = Vec::new();
        let (mut field, mut shown) = (Value::Null, 0);
        for group in &groups {
            shown = if group.keys[0] == field { shown + 1 } else { 1 };
            field = group.keys[0].clone();
            if shown <= limit {
                rows.push(self.row(group).split_off(1));
            }
        }
        rows
    }

    fn patterns(&self, mut groups: Vec<Group>, limit: u64) -> Vec<Vec<Value<'static>>> {
        let total: u64 = groups.iter().map(Group::rows).sum();
        groups.sort_by_key(|group| std::cmp::Reverse(group.rows()));
        let with_percent = |group: &Group| {
            let mut row = self.row(group);
            let percent = Value::number(100.0 * group.rows() as f64 / total as f64);
            row.insert(group.keys.len() + 1, percent);
            row
        };
        groups.iter().take(limit as usize).map(with_percent).collect()
    }
}

impl Group {
    /// Of plans whose aggregates hold a count.
    fn rows(&self) -> u64 {
        self.states.iter().map(State::count).max().unwrap_or_default()
    }
}

pub(super) fn by_keys(a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    let orders = a.iter().zip(b).map(|(a, b)| order::ascending(a, b));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

fn aggregators(aggregates: &[Aggregate], seconds: f64, range: &Range) -> Result<Vec<Aggregator>, Diagnostic> {
    aggregates.iter().map(|aggregate| Aggregator::of(aggregate, seconds, &range.zone)).collect()
}
