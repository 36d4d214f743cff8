//! `window` and `anomaly`: figures out of neighbouring rows.

use std::collections::HashMap;

use super::aggregate::median;
use super::order;
use super::rows::OwnedRow;
use crate::ast::{AnomalyMethod, Field, Literal, LiteralClass, WindowColumn, WindowFunction};
use crate::eval::value::Value;

#[derive(Clone, Debug)]
pub(super) struct Window {
    pub columns: Vec<WindowColumn>,
    pub by: Vec<Field>,
    /// The column of the time bin, which the rows are taken in the order of.
    pub time: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Anomaly {
    field: Field,
    by: Vec<Field>,
    method: AnomalyMethod,
    threshold: f64,
}

/// The indices of the rows of each partition.
fn partitions(rows: &[OwnedRow], by: &[Field], time: Option<&str>) -> Vec<Vec<usize>> {
    let mut partitions: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let view = row.view();
        let mut key = Vec::new();
        by.iter().for_each(|field| order::encode(&view.field(field).as_text(), &mut key));
        partitions.entry(key).or_default().push(index);
    }
    let mut partitions: Vec<Vec<usize>> = partitions.into_values().collect();
    if let Some(time) = time {
        for partition in &mut partitions {
            partition.sort_by(|a, b| order::ascending(rows[*a].column(time), rows[*b].column(time)));
        }
    }
    partitions
}

impl Window {
    pub(super) fn run(&self, rows: &mut [OwnedRow]) {
        for partition in partitions(rows, &self.by, self.time.as_deref()) {
            for column in &self.columns {
                let value = |index: &usize| {
                    column
                        .column
                        .as_ref()
                        .map_or(Value::Null, |field| rows[*index].view().field(field).into_owned())
                };
                let values: Vec<Value<'static>> = partition.iter().map(value).collect();
                for (place, index) in partition.iter().enumerate() {
                    rows[*index].set(&column.name.text, at(column, &values, place));
                }
            }
        }
    }
}

/// The function's value at a place among the values of a partition.
fn at(column: &WindowColumn, values: &[Value<'static>], place: usize) -> Value<'static> {
    let rows = usize::try_from(column.rows.unwrap_or(1)).unwrap_or(usize::MAX);
    let numbers =
        |from: usize| values[from..=place].iter().filter_map(Value::to_number).collect::<Vec<f64>>();
    let frame = || numbers((place + 1).saturating_sub(rows));
    let sum = |numbers: Vec<f64>| {
        if numbers.is_empty() { Value::Null } else { Value::number(numbers.iter().sum()) }
    };
    match column.function {
        WindowFunction::MovingAverage => {
            let frame = frame();
            Value::number(frame.iter().sum::<f64>() / frame.len() as f64)
        }
        WindowFunction::MovingSum => sum(frame()),
        WindowFunction::CumulativeSum => sum(numbers(0)),
        WindowFunction::RowNumber => Value::Number((place + 1) as f64),
        WindowFunction::Lag => place.checked_sub(rows).map_or(Value::Null, |before| values[before].clone()),
        WindowFunction::Delta => {
            let before = place.checked_sub(1).and_then(|before| values[before].to_number());
            match (values[place].to_number(), before) {
                (Some(now), Some(before)) => Value::number(now - before),
                _ => Value::Null,
            }
        }
    }
}

impl Anomaly {
    pub(super) fn of(
        field: &Field,
        by: &[Field],
        method: AnomalyMethod,
        threshold: Option<&Literal>,
    ) -> Self {
        let threshold = match (threshold.map(|literal| &literal.class), method) {
            (Some(LiteralClass::Number(number)), _) => number.value,
            (_, AnomalyMethod::Mad) => 3.5,
            (_, AnomalyMethod::Zscore) => 3.0,
        };
        Self { field: field.clone(), by: by.to_vec(), method, threshold }
    }

    pub(super) fn run(&self, rows: &mut [OwnedRow]) {
        for partition in partitions(rows, &self.by, None) {
            let values: Vec<Option<f64>> =
                partition.iter().map(|index| rows[*index].view().field(&self.field).to_number()).collect();
            let numbers: Vec<f64> = values.iter().flatten().copied().collect();
            let (expected, spread) = self.usual(&numbers);
            for (index, value) in partition.iter().zip(values) {
                let (score, is_anomaly) = self.judge(value, expected, spread);
                let number = |number: Option<f64>| number.map_or(Value::Null, Value::number);
                rows[*index].set("expected", number(expected));
                rows[*index].set("score", number(score));
                rows[*index].set("is_anomaly", Value::Bool(is_anomaly));
            }
        }
    }

    /// What a value usually is, and how far it usually strays.
    fn usual(&self, numbers: &[f64]) -> (Option<f64>, Option<f64>) {
        let count = numbers.len() as f64;
        match self.method {
            AnomalyMethod::Mad => {
                let Some(centre) = median(numbers) else { return (None, None) };
                let distances: Vec<f64> = numbers.iter().map(|number| (number - centre).abs()).collect();
                (Some(centre), median(&distances))
            }
            AnomalyMethod::Zscore if numbers.is_empty() => (None, None),
            AnomalyMethod::Zscore => {
                let mean = numbers.iter().sum::<f64>() / count;
                let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
                (Some(mean), (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()))
            }
        }
    }

    fn judge(&self, value: Option<f64>, expected: Option<f64>, spread: Option<f64>) -> (Option<f64>, bool) {
        let (Some(value), Some(expected), Some(spread)) = (value, expected, spread) else {
            return (None, false);
        };
        if spread == 0.0 {
            return (None, value != expected);
        }
        let scale = if self.method == AnomalyMethod::Mad { 0.6745 } else { 1.0 };
        let score = scale * (value - expected) / spread;
        (Some(score), score.abs() > self.threshold)
    }
}
