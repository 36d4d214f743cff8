//! The values that a rule would have seen over a past range.
//!
//! Counts, sums, smallest and largest values of a window are put together from bins, all of them by one search; anything else is
//! evaluated window by window, at fewer points.

use super::AlertError;
use super::comparison;
use super::definition::Definition;
use super::evaluate::{Ask, Evaluation, Labels, group_key};
use super::searcher::{Searcher, Shape, lines_are_counted, ready_with};
use crate::search::plan::Page;
use crate::search::respond::RowForm;
use crate::sight::Sight;
use crate::time::{DAY_US, HOUR_US, MINUTE_US, Micros, SECOND_US};
use alert_rules::{Basis, Seen};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use query_lang::ast::{AggregateFunction, Query, StageNode};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Points of a series that is made of bins, and of one that is evaluated point by point.
const POINTS: i64 = 9_000;
const SINGLE_POINTS: i64 = 96;
const PARALLEL: usize = 4;
/// A range whose bins do not fit into one answer is halved, and halved again, into at most this many.
const PARTS: usize = 32;
/// Rows that a person's search may give.
const ROWS: u64 = 9_999;

/// Widths that a bin may have; the largest that fits is taken.
const WIDTHS_US: [Micros; 16] = [
    DAY_US,
    HOUR_US,
    30 * MINUTE_US,
    20 * MINUTE_US,
    15 * MINUTE_US,
    10 * MINUTE_US,
    5 * MINUTE_US,
    2 * MINUTE_US,
    MINUTE_US,
    30 * SECOND_US,
    20 * SECOND_US,
    15 * SECOND_US,
    10 * SECOND_US,
    5 * SECOND_US,
    2 * SECOND_US,
    SECOND_US,
];

/// A rule's values at evenly spaced instants, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Series {
    pub step_us: Micros,
    pub grouped: bool,
    pub column: String,
    pub seen: Vec<Seen>,
}

/// How the value of a window follows from those of its bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combine {
    /// Nothing counts 0.
    Count,
    Sum,
    Min,
    Max,
}

/// What a series is made for.
pub struct Wanted<'a> {
    pub sight: &'a Sight,
    pub project_id: Uuid,
    pub definition: &'a Definition,
    pub from_us: Micros,
    pub to_us: Micros,
}

impl Searcher {
    /// # Errors
    /// The query is not good, or cannot be answered.
    pub async fn series(&self, wanted: &Wanted<'_>) -> Result<Series, AlertError> {
        let ask = wanted.ask(wanted.from_us, wanted.to_us);
        if let Some(combine) = combination(&ask)
            && let Some(series) = self.made_of_bins(wanted, combine).await?
        {
            return Ok(series);
        }
        self.point_by_point(wanted).await
    }

    /// `None` when there are more groups and bins than may be read.
    async fn made_of_bins(
        &self,
        wanted: &Wanted<'_>,
        combine: Combine,
    ) -> Result<Option<Series>, AlertError> {
        let step = wanted.step(POINTS);
        let definition = wanted.definition;
        let spans = [step, definition.window_us, definition.comparison.distance_us, definition.look_again_us];
        let width = WIDTHS_US.into_iter().find(|width| spans.iter().all(|span| span % width == 0));
        let Some(width) = width else { return Ok(None) };
        let slots = wanted.slots(step);
        let Some(first) = slots.first() else { return Ok(Some(Series::default())) };
        let from = first - definition.window_us - definition.look_again_us - reach(definition);
        let Some((bins, shape)) = self.bins(wanted, from, width).await? else { return Ok(None) };
        let grouped = !shape.keys.is_empty();
        let seen = slots.into_iter().map(|slot| {
            let again = definition.look_again_us;
            let values = bins.compared(definition, slot, combine, grouped);
            let values = match again {
                0 => values,
                _ => worse(values, bins.compared(definition, slot - again, combine, grouped), definition),
            };
            Seen { at_us: slot, values }
        });
        let column = definition.measure(&shape.value);
        Ok(Some(Series { step_us: step, grouped, column, seen: seen.collect() }))
    }

    async fn bins(
        &self,
        wanted: &Wanted<'_>,
        from: Micros,
        width: Micros,
    ) -> Result<Option<(Bins, Shape)>, AlertError> {
        let (mut bins, mut shape) = (Bins::default(), None);
        let (mut parts, mut asked) = (vec![(from, wanted.to_us)], 0);
        while let Some((from, to)) = parts.pop() {
            asked += 1;
            if asked > PARTS {
                return Ok(None);
            }
            let ready = ready_with(&wanted.ask(from, to), |query| split(query, width))?;
            let compiled = ready.plan.rows(Page { limit: ROWS, ..Page::default() })?;
            let form = RowForm::of(&compiled);
            let rows = form.rows(self.executor().interactive(wanted.sight.tenant(), compiled).await?);
            if rows.len() as u64 > ROWS {
                let middle = from + (to - from) / 2 / width * width;
                let middle = middle.next_multiple_of_step(width);
                if middle <= from || middle >= to {
                    return Ok(None);
                }
                parts.extend([(middle, to), (from, middle)]);
                continue;
            }
            for row in &rows {
                bins.add(row, &ready.shape.keys, &ready.shape.value, &ready.bin);
            }
            shape = Some(ready.shape);
        }
        Ok(shape.map(|shape| (bins, shape)))
    }

    async fn point_by_point(&self, wanted: &Wanted<'_>) -> Result<Series, AlertError> {
        let definition = wanted.definition;
        let searches = 1 + definition.comparison.earlier(0, 1).len();
        let step = wanted.step((SINGLE_POINTS / i64::try_from(searches).unwrap_or(1)).max(12));
        let at = |slot: Micros| async move {
            let ask = wanted.ask(slot - definition.window_us, slot);
            let evaluation = comparison::evaluate(self, definition, &ask)
                .await
                .map_err(|failure| AlertError::Unanswered(failure.reason))?;
            Ok::<_, AlertError>((slot, evaluation))
        };
        let slots = futures::stream::iter(wanted.slots(step)).map(at);
        let evaluations: Vec<(Micros, Evaluation)> = slots.buffered(PARALLEL).try_collect().await?;
        let grouped = evaluations.iter().any(|(_, evaluation)| evaluation.grouped);
        let column = evaluations.first().map(|(_, evaluation)| evaluation.column.clone()).unwrap_or_default();
        let seen =
            evaluations.into_iter().map(|(at_us, evaluation)| Seen { at_us, values: evaluation.values() });
        Ok(Series { step_us: step, grouped, column, seen: seen.collect() })
    }
}

/// How far before its own window a rule looks.
fn reach(definition: &Definition) -> Micros {
    let (from, to) = (0, definition.window_us);
    let earliest = definition.comparison.earlier(from, to).into_iter().map(|(from, _)| from).min();
    -earliest.unwrap_or(0).min(0)
}

fn worse(
    one: BTreeMap<String, f64>,
    other: BTreeMap<String, f64>,
    definition: &Definition,
) -> BTreeMap<String, f64> {
    let condition = definition.rule(true).condition;
    let mut both = one;
    for (group, value) in other {
        both.entry(group).and_modify(|known| *known = condition.worse(*known, value)).or_insert(value);
    }
    both
}

/// Whether the value is a number of events, or a sum, so that nothing is 0.
#[must_use]
pub fn counts_events(ask: &Ask) -> bool {
    matches!(combination(ask), Some(Combine::Count | Combine::Sum))
}

impl Wanted<'_> {
    fn ask(&self, from_us: Micros, to_us: Micros) -> Ask {
        self.definition.ask(self.sight, self.project_id, from_us, to_us)
    }

    /// A multiple of the rule's interval that gives at most `points`.
    fn step(&self, points: i64) -> Micros {
        let every = self.definition.every_us;
        let evaluations = (self.to_us - self.from_us) / every;
        every * (evaluations / points + i64::from(evaluations % points > 0)).max(1)
    }

    fn slots(&self, step: Micros) -> Vec<Micros> {
        let first = self.from_us.next_multiple_of_step(step);
        (0..).map(|number| first + number * step).take_while(|slot| *slot <= self.to_us).collect()
    }
}

trait NextMultiple {
    fn next_multiple_of_step(self, step: Micros) -> Micros;
}

impl NextMultiple for Micros {
    fn next_multiple_of_step(self, step: Micros) -> Micros {
        self + (step - self.rem_euclid(step)) % step
    }
}

/// How windows follow from bins, if they do: one plain aggregate at the end of the query.
fn combination(ask: &Ask) -> Option<Combine> {
    let query = query_lang::parse(&ask.query).ok()?.query;
    if lines_are_counted(&query) {
        return Some(Combine::Count);
    }
    let StageNode::Stats { aggregates, .. } = &query.stages.last()?.node else { return None };
    if query.stages.iter().rev().skip(1).any(|stage| matches!(stage.node, StageNode::Stats { .. })) {
        return None;
    }
    let wanted = ask.value.as_deref().filter(|name| !name.is_empty());
    let aggregate = match wanted {
        Some(name) => aggregates.iter().find(|aggregate| aggregate.name.text == name)?,
        None => aggregates.first()?,
    };
    match aggregate.function {
        AggregateFunction::Count | AggregateFunction::CountIf => Some(Combine::Count),
        AggregateFunction::Sum => Some(Combine::Sum),
        AggregateFunction::Min => Some(Combine::Min),
        AggregateFunction::Max => Some(Combine::Max),
        _ => None,
    }
}

/// Adds a time bin to the keys of the last stage.
fn split(query: &mut Query, width: Micros) {
    let text = format!("* | stats count() by bin({}s)", width / SECOND_US);
    let own = query_lang::parse(&text).expect("our own stages are valid").query;
    let Some(StageNode::Stats { keys: bin, .. }) = own.stages.into_iter().next().map(|stage| stage.node)
    else {
        return;
    };
    if let Some(StageNode::Stats { keys, .. }) = query.stages.last_mut().map(|stage| &mut stage.node) {
        keys.extend(bin);
    }
}

/// Values by group and beginning of the bin.
#[derive(Default)]
struct Bins(HashMap<String, BTreeMap<Micros, f64>>);

impl Bins {
    fn add(&mut self, row: &Value, keys: &[String], value: &str, bin: &str) {
        let time = row.get(bin).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        let labels: Labels = super::searcher::labels_of(row, keys);
        let value = row.get(value).and_then(super::searcher::number);
        if let (Some(time), Some(value)) = (time, value) {
            self.0.entry(group_key(&labels)).or_default().insert(time.as_microsecond(), value);
        }
    }

    /// What is compared with the threshold, for the window that ends at `to`.
    fn compared(
        &self,
        definition: &Definition,
        to: Micros,
        combine: Combine,
        grouped: bool,
    ) -> BTreeMap<String, f64> {
        let (from, comparison) = (to - definition.window_us, definition.comparison);
        let earlier = comparison.earlier(from, to).into_iter().map(|(from, to)| match comparison.basis {
            Basis::New => self.present(from, to),
            _ => self.window(from, to, combine, grouped),
        });
        let earlier: Vec<_> = earlier.collect();
        let counts = matches!(combine, Combine::Count | Combine::Sum);
        comparison.apply(self.window(from, to, combine, grouped), &earlier, counts)
    }

    /// The groups that had anything; a window of a week need not be added up to tell.
    fn present(&self, from: Micros, to: Micros) -> BTreeMap<String, f64> {
        let there = |bins: &BTreeMap<Micros, f64>| bins.range(from..to).any(|(_, value)| *value != 0.0);
        self.0.iter().filter(|(_, bins)| there(bins)).map(|(group, _)| (group.clone(), 1.0)).collect()
    }

    fn window(&self, from: Micros, to: Micros, combine: Combine, grouped: bool) -> BTreeMap<String, f64> {
        let mut values: BTreeMap<String, f64> = self
            .0
            .iter()
            .filter_map(|(group, bins)| {
                let inside = bins.range(from..to).map(|(_, value)| *value);
                let value = match combine {
                    Combine::Count | Combine::Sum => inside.reduce(|one, other| one + other),
                    Combine::Min => inside.reduce(f64::min),
                    Combine::Max => inside.reduce(f64::max),
                };
                Some((group.clone(), value?))
            })
            .collect();
        if !grouped && combine == Combine::Count {
            values.entry(String::new()).or_insert(0.0);
        }
        values
    }
}
