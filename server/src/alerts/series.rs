//! The values that a rule would have seen over a past range.
//!
//! Counts, sums, smallest and largest values of a window are put together from bins, all of them by one search; anything else is
//! evaluated window by window, at fewer points.

use super::AlertError;
use super::definition::Definition;
use super::evaluate::{Ask, Evaluate, Evaluation, GroupValue, Labels, group_key};
use super::searcher::{Searcher, lines_are_counted, ready_with};
use crate::search::plan::Page;
use crate::search::respond::RowForm;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, HOUR_US, MINUTE_US, Micros, SECOND_US};
use alert_rules::Seen;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use query_lang::ast::{AggregateFunction, Query, StageNode};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Points of a series that is made of bins, and of one that is evaluated point by point.
const POINTS: i64 = 1_440;
const SINGLE_POINTS: i64 = 96;
const PARALLEL: usize = 4;
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
    pub scope: &'a TenantScope,
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

    /// `None` when there are more groups and bins than one answer may hold.
    async fn made_of_bins(
        &self,
        wanted: &Wanted<'_>,
        combine: Combine,
    ) -> Result<Option<Series>, AlertError> {
        let (step, window) = (wanted.step(POINTS), wanted.definition.window_us);
        let width = WIDTHS_US.into_iter().find(|width| step % width == 0 && window % width == 0);
        let Some(width) = width else { return Ok(None) };
        let slots = wanted.slots(step);
        let Some(first) = slots.first() else { return Ok(Some(Series::default())) };
        let ask = wanted.ask(first - window, wanted.to_us);
        let ready = ready_with(&ask, |query| split(query, width))?;
        let compiled = ready.plan.rows(Page { limit: ROWS, ..Page::default() })?;
        let form = RowForm::of(&compiled);
        let rows = form.rows(self.executor().interactive(wanted.scope, compiled).await?);
        if rows.len() as u64 > ROWS {
            return Ok(None);
        }
        let mut bins = Bins::default();
        for row in &rows {
            bins.add(row, &ready.shape.keys, &ready.shape.value, &ready.bin);
        }
        let grouped = !ready.shape.keys.is_empty();
        let seen = slots
            .into_iter()
            .map(|slot| Seen { at_us: slot, values: bins.window(slot - window, slot, combine, grouped) });
        Ok(Some(Series { step_us: step, grouped, column: ready.shape.value, seen: seen.collect() }))
    }

    async fn point_by_point(&self, wanted: &Wanted<'_>) -> Result<Series, AlertError> {
        let step = wanted.step(SINGLE_POINTS);
        let at = |slot: Micros| async move {
            let ask = wanted.ask(slot - wanted.definition.window_us, slot);
            let evaluation =
                self.evaluate(&ask).await.map_err(|failure| AlertError::Unanswered(failure.reason))?;
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

impl Wanted<'_> {
    fn ask(&self, from_us: Micros, to_us: Micros) -> Ask {
        self.definition.ask(*self.scope, self.project_id, from_us, to_us)
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

impl Evaluation {
    fn values(&self) -> BTreeMap<String, f64> {
        let value = |group: &GroupValue| Some((group_key(&group.labels), group.value?));
        self.groups.iter().filter_map(value).collect()
    }
}
