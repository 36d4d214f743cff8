//! Stages over rows that are all there: sort, limit, dedup, expand, and those that are run row by row.

use std::collections::HashMap;

use super::chart::Fill;
use super::groups::GroupPlan;
use super::rows::{OwnedRow, Position};
use super::window::{Anomaly, Window};
use super::{Range, needs_a_server, order};
use crate::Diagnostic;
use crate::ast::{Field, Kind, Role, Shape, SortKey, Stage, StageNode};
use crate::eval::stream::{Step, StreamRow};
use crate::eval::value::Value;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Step(Step),
    Group(Box<GroupPlan>),
    Sort(Vec<SortKey>),
    Limit(usize),
    Offset(usize),
    Dedup { count: usize, fields: Vec<Field> },
    Expand(Field),
    Fill(Box<Fill>),
    Window(Window),
    Anomaly(Anomaly),
}

impl Op {
    /// `before` are the rows that go in, `order` is the order that they have.
    pub(super) fn of(
        stage: &Stage,
        before: Option<&Shape>,
        order: &mut Vec<(String, bool)>,
        range: &Range,
    ) -> Result<Self, Diagnostic> {
        if super::is_streamable(&stage.node) {
            return Step::of(stage, &range.zone).map(Self::Step);
        }
        if let StageNode::Fill { value, step, .. } = &stage.node {
            return Ok(Self::Fill(Box::new(Fill {
                step: step.expect("the query is checked"),
                value: *value,
                columns: before.map(|shape| shape.columns().to_vec()).unwrap_or_default(),
                order: order.clone(),
                range: range.clone(),
            })));
        }
        if let Some(plan) = GroupPlan::of(stage, range, order)? {
            return Ok(Self::Group(Box::new(plan)));
        }
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(match &stage.node {
            StageNode::Sort(keys) => {
                let sorted = keys.iter().map(|key| (key.field.path.clone(), key.descending));
                order.splice(0..0, sorted);
                Self::Sort(keys.clone())
            }
            StageNode::Limit(most) => Self::Limit(count(*most)),
            StageNode::Offset(first) => Self::Offset(count(*first)),
            StageNode::Dedup { count: most, fields } => {
                Self::Dedup { count: count(*most), fields: fields.clone() }
            }
            StageNode::Expand(field) => Self::Expand(field.clone()),
            StageNode::Window { columns, by } => {
                let time =
                    before.and_then(|shape| shape.columns().iter().find(|column| column.role == Role::Time));
                Self::Window(Window {
                    columns: columns.clone(),
                    by: by.clone(),
                    time: time.map(|column| column.name.clone()),
                })
            }
            StageNode::Anomaly { field, by, method, threshold } => {
                Self::Anomaly(Anomaly::of(field, by, *method, threshold.as_ref()))
            }
            _ => return Err(needs_a_server(stage)),
        })
    }

    pub(super) fn run(&self, mut rows: Vec<OwnedRow>) -> Result<Vec<OwnedRow>, Diagnostic> {
        match self {
            Self::Step(step) => rows.retain_mut(|row| row.apply(step)),
            Self::Group(plan) => {
                let mut groups = plan.start();
                for (index, row) in rows.iter().enumerate() {
                    let place = Position { time_ns: 0, sequence: index as u64 };
                    let position = if row.event.is_some() { row.position } else { place };
                    plan.feed(&mut groups, &row.view(), position)?;
                }
                return Ok(plan.finish(groups));
            }
            Self::Sort(keys) => sort(&mut rows, keys),
            Self::Limit(most) => rows.truncate(*most),
            Self::Offset(first) => drop(rows.drain(..(*first).min(rows.len()))),
            Self::Dedup { count, fields } => dedup(&mut rows, *count, fields),
            Self::Expand(field) => return Ok(rows.into_iter().flat_map(|row| row.expanded(field)).collect()),
            Self::Fill(fill) => return Ok(fill.run(rows)),
            Self::Window(window) => window.run(&mut rows),
            Self::Anomaly(anomaly) => anomaly.run(&mut rows),
        }
        Ok(rows)
    }
}

impl OwnedRow {
    /// Whether the row stays.
    fn apply(&mut self, step: &Step) -> bool {
        let mut view = self.view();
        if !step.apply(&mut view) {
            return false;
        }
        self.made = StreamRow::of(view).into_owned();
        true
    }

    /// One row for each element of an array, others once.
    fn expanded(self, field: &Field) -> Vec<OwnedRow> {
        let value = self.view().field(field).into_owned();
        if value.as_array().is_none() {
            let mut row = self;
            row.set(&field.path, value.as_text().into_owned());
            return vec![row];
        }
        let of_element = |text: Option<std::borrow::Cow<str>>| {
            let mut row = self.clone();
            row.set(&field.path, text.map_or(Value::Null, |text| Value::text(text.into_owned())));
            row
        };
        value.elements().into_iter().map(of_element).collect()
    }
}

/// Newest first, or in the order that is asked for; ties newest first.
pub(super) fn canonical(rows: &mut Vec<OwnedRow>, keys: &[SortKey]) {
    rows.sort_by_key(|row| std::cmp::Reverse(row.position));
    sort(rows, keys);
}

fn sort(rows: &mut Vec<OwnedRow>, keys: &[SortKey]) {
    if keys.is_empty() {
        return;
    }
    let values = |row: &OwnedRow| -> Vec<Value<'static>> {
        let view = row.view();
        keys.iter().map(|key| view.field(&key.field).into_owned()).collect()
    };
    let mut keyed: Vec<(Vec<Value<'static>>, OwnedRow)> =
        std::mem::take(rows).into_iter().map(|row| (values(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let orders = a.iter().zip(b).zip(keys).map(|((a, b), key)| order::directed(a, b, key.descending));
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

pub(super) fn sort_by_columns(rows: &mut [OwnedRow], keys: &[(String, bool)]) {
    rows.sort_by(|a, b| {
        let orders = keys
            .iter()
            .map(|(name, descending)| order::directed(a.column(name), b.column(name), *descending));
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
}

/// The first rows of each key; missing is a key. Compared as text, but for levels.
fn dedup(rows: &mut Vec<OwnedRow>, count: usize, fields: &[Field]) {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    rows.retain(|row| {
        let view = row.view();
        let mut key = Vec::new();
        for field in fields {
            let value = view.field(field);
            let value = if field.kind == Kind::Level { value } else { value.as_text() };
            order::encode(&value, &mut key);
        }
        let times = seen.entry(key).or_default();
        *times += 1;
        *times <= count
    });
}
