//! `histogram`: how many values lie in each bucket.

use std::collections::HashMap;

use crate::ast::{HistogramBuckets, LiteralClass};
use crate::eval::value::Value;

/// Most buckets of a histogram.
const MOST_BUCKETS: i64 = 10_000;

/// Buckets from the first to the last that holds something, counted from the value 0 or from the smallest one.
pub(super) fn rows(numbers: &[f64], buckets: &HistogramBuckets) -> Vec<Vec<Value<'static>>> {
    let ends = numbers.iter().fold(None, |ends: Option<(f64, f64)>, number| {
        let (low, high) = ends.unwrap_or((*number, *number));
        Some((low.min(*number), high.max(*number)))
    });
    let Some((low, high)) = ends else { return Vec::new() };
    let (origin, step, indices) = match buckets {
        HistogramBuckets::Step(step) => {
            let step = match &step.class {
                LiteralClass::Number(number) => number.value,
                _ => 1.0,
            };
            let (first, last) = ((low / step).floor() as i64, (high / step).floor() as i64);
            (0.0, step, first..=last.min(first + MOST_BUCKETS - 1))
        }
        HistogramBuckets::Bins(bins) => {
            let last = bins.saturating_sub(1) as i64;
            (low, (high - low) / (*bins).max(1) as f64, 0..=last)
        }
    };
    let last = *indices.end();
    let index = |number: f64| match buckets {
        HistogramBuckets::Step(_) => (number / step).floor() as i64,
        // The last one is closed.
        HistogramBuckets::Bins(_) if step == 0.0 => last,
        HistogramBuckets::Bins(_) => (((number - low) / step).floor() as i64).min(last),
    };
    let mut counts: HashMap<i64, u64> = HashMap::new();
    for number in numbers {
        *counts.entry(index(*number)).or_default() += 1;
    }
    let row = |index: i64| {
        let start = |index: i64| Value::number(origin + index as f64 * step);
        vec![start(index), start(index + 1), Value::Number(*counts.get(&index).unwrap_or(&0) as f64)]
    };
    indices.map(row).collect()
}
