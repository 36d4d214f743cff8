//! What is different about some events: fields and values that they have more, or less, often than others.
//!
//! Up to a number of events all are looked at and the figures are exact. Beyond it, stretches of time are chosen evenly,
//! and the answer says how much of everything it has seen.

use super::SearchError;
use super::execute::Executor;
use super::http::{plan_of, read_of};
use super::plan::{Page, Plan};
use super::respond::whole;
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::logstore::{Answer, Stats};
use actix_web::web;
use api_types::events::{BaselineRequest, Compared, DifferenceRequest, Differences, DifferentValue};
use api_types::search::SearchRequest;
use query_lang::sql::{self, Baseline, Compiled, Difference, Request};
use serde_json::Value;

const DEFAULT_VALUES: u32 = 50;
const MOST_VALUES: u32 = 500;
/// Beyond so many events on both sides a sample is looked at.
const EVENTS_TO_READ: u64 = 100_000;
/// About as many events as the engine reads at once: shorter slices would not save anything.
const EVENTS_OF_SLICE: u64 = 8_192;
const ALL_SLICES: u64 = 1_000_000;
/// Of both shares, how far they have to be apart, in standard deviations of what chance makes.
const BEYOND_CHANCE: f64 = 3.0;

/// Ranks the fields and values of the target's events against those of the baseline.
///
/// # Errors
/// 422 `query_invalid`: a filter stands behind a stage that makes new fields.
pub(super) async fn difference(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<DifferenceRequest>,
) -> Result<web::Json<Differences>, ApiError> {
    let DifferenceRequest { project_id, query, from, to, tz, now, baseline, limit } = request.into_inner();
    let limit = limit.unwrap_or(DEFAULT_VALUES);
    if limit == 0 || limit > MOST_VALUES {
        return Err(InvalidFields::one("limit", "out_of_range", "Give a number from 1 to 500.").into());
    }
    let target = SearchRequest { project_id, query, from, to, tz, now, ..SearchRequest::default() };
    let BaselineRequest { query, from, to } = baseline;
    let baseline = SearchRequest {
        query: query.unwrap_or_else(|| target.query.clone()),
        from: from.or_else(|| target.from.clone()),
        to: to.or_else(|| target.to.clone()),
        ..target.clone()
    };
    let sides = Sides {
        target: plan_of(&reader, &executor, &target).await?,
        baseline: plan_of(&reader, &executor, &baseline).await?,
    };
    let (differences, statements) = sides.compare(&executor, &reader, limit as usize).await?;
    auditor.read_logs(read_of("difference", &sides.target, &statements)).await;
    // of the same query it is the same read, over both ranges
    auditor.read_logs(read_of("difference", &sides.baseline, [])).await;
    Ok(web::Json(differences))
}

struct Sides {
    target: Plan,
    baseline: Plan,
}

/// Events of the target and of the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    target: u64,
    baseline: u64,
}

impl Sides {
    async fn compare(
        &self,
        executor: &Executor,
        reader: &Reader,
        limit: usize,
    ) -> Result<(Differences, [Stats; 2]), ApiError> {
        let counted = executor.for_reader(reader, self.compiled(ALL_SLICES, 1, false)?).await?;
        let all = totals(&counted);
        let events = all.target + all.baseline;
        let slices = ALL_SLICES.min(ALL_SLICES * EVENTS_TO_READ / events.max(1)).max(1);
        let whole_range = self.hull().1 - self.hull().0;
        let slice_ns = whole_range / i64::try_from(events / EVENTS_OF_SLICE).unwrap_or(i64::MAX).max(1);
        let answer = executor.for_reader(reader, self.compiled(slices, slice_ns, true)?).await?;
        let seen = totals(&answer);
        let mut values: Vec<DifferentValue> =
            answer.rows.iter().filter_map(|row| different(row, seen)).collect();
        values.truncate(limit);
        self.name_patterns(executor, reader, &mut values).await?;
        let looked_at = (seen.target + seen.baseline) as f64;
        let differences = Differences {
            values,
            target: Compared { events: all.target, sampled: seen.target },
            baseline: Compared { events: all.baseline, sampled: seen.baseline },
            sampled_percent: if events == 0 { 100.0 } else { 100.0 * looked_at / events as f64 },
        };
        Ok((differences, [counted.stats, answer.stats]))
    }

    fn hull(&self) -> (i64, i64) {
        let (target, baseline) = (self.target.range(), self.baseline.range());
        (target.from_ns.min(baseline.from_ns), target.to_ns.max(baseline.to_ns))
    }

    fn compiled(&self, slices_of_million: u64, slice_ns: i64, values: bool) -> Result<Compiled, SearchError> {
        let side = |plan: &'_ Plan| (plan.range().from_ns, plan.range().to_ns);
        let ((from_ns, to_ns), (base_from_ns, base_to_ns)) = (side(&self.target), side(&self.baseline));
        let difference = Difference {
            target: Baseline { query: &self.target.checked().query, from_ns, to_ns },
            baseline: Baseline {
                query: &self.baseline.checked().query,
                from_ns: base_from_ns,
                to_ns: base_to_ns,
            },
            slices_of_million,
            slice_ns,
        };
        let (from_ns, to_ns) = self.hull();
        // Values that chance alone sets apart are left out later.
        let page = Page { limit: 4 * u64::from(MOST_VALUES), ..Page::default() };
        let request = Request { from_ns, to_ns, paths: None, ..self.target.request(page) };
        let compiled = sql::compile_difference(&difference, values, self.target.scope(), &request);
        self.target.compiled(compiled)
    }

    /// The shapes of messages are numbers in the table; people want to see the shape.
    async fn name_patterns(
        &self,
        executor: &Executor,
        reader: &Reader,
        values: &mut Vec<DifferentValue>,
    ) -> Result<(), ApiError> {
        let shapes: Vec<u64> = values
            .iter()
            .filter(|value| value.field == "pattern")
            .filter_map(|value| value.value.parse().ok())
            .collect();
        if shapes.is_empty() {
            return Ok(());
        }
        let (from_ns, to_ns) = self.hull();
        let request = Request { from_ns, to_ns, paths: None, ..self.target.request(Page::default()) };
        let compiled = sql::compile_pattern_names(&shapes, self.target.scope(), &request);
        let answer = executor.for_reader(reader, compiled).await?;
        let name = |shape: &str| {
            let row = answer.rows.iter().find(|row| {
                row.first().and_then(whole::<u64>).is_some_and(|number| number.to_string() == shape)
            })?;
            row.get(1)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        values.retain_mut(|value| {
            if value.field != "pattern" {
                return true;
            }
            let named = name(&value.value);
            value.value = named.clone().unwrap_or_default();
            named.is_some()
        });
        Ok(())
    }
}

/// The first row counts the events.
fn totals(answer: &Answer) -> Pair {
    let count = |column: usize| answer.rows.first().and_then(|row| whole(row.get(column)?)).unwrap_or(0);
    Pair { target: count(2), baseline: count(3) }
}

/// A value that more than chance sets apart.
fn different(row: &[Value], all: Pair) -> Option<DifferentValue> {
    let field = row.first()?.as_str().filter(|field| !field.is_empty())?;
    let found = Pair { target: whole(row.get(2)?)?, baseline: whole(row.get(3)?)? };
    if !is_beyond_chance(found, all) {
        return None;
    }
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    Some(DifferentValue {
        field: field.to_owned(),
        value: row.get(1)?.as_str()?.to_owned(),
        target_percent: percent(found.target, all.target),
        baseline_percent: percent(found.baseline, all.baseline),
        target_count: found.target,
        baseline_count: found.baseline,
    })
}

/// Two shares, tested as if both were of the same.
fn is_beyond_chance(found: Pair, all: Pair) -> bool {
    if all.target == 0 || all.baseline == 0 {
        return false;
    }
    let (n, m) = (all.target as f64, all.baseline as f64);
    let (p, q) = (found.target as f64 / n, found.baseline as f64 / m);
    let both = (found.target + found.baseline) as f64 / (n + m);
    let deviation = (both * (1.0 - both) * (1.0 / n + 1.0 / m)).sqrt();
    (p - q).abs() >= BEYOND_CHANCE * deviation && p != q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(target: u64, baseline: u64) -> Pair {
        Pair { target, baseline }
    }

    #[test]
    fn equal_shares_and_few_events_are_chance() {
        assert!(!is_beyond_chance(pair(50, 500), pair(100, 1000)));
        assert!(!is_beyond_chance(pair(1, 0), pair(2, 2)));
        assert!(!is_beyond_chance(pair(0, 0), pair(100, 100)));
        assert!(!is_beyond_chance(pair(5, 0), pair(5, 0)));
    }

    #[test]
    fn a_value_of_one_side_alone_is_not() {
        assert!(is_beyond_chance(pair(100, 0), pair(100, 1000)));
        assert!(is_beyond_chance(pair(0, 900), pair(100, 1000)));
        assert!(is_beyond_chance(pair(90, 100), pair(100, 1000)));
    }
}
