//! The shapes of the matching messages, with exact counts and how they went over time.

use super::execute::Executor;
use super::http::{plan_of, read_of};
use super::respond::{rfc3339, whole};
use super::time_range::{TimeRange, bucket_ns};
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::ApiError;
use actix_web::web;
use api_types::events::{Pattern, Patterns};
use api_types::search::SearchRequest;
use query_lang::sql::EventKey;
use serde_json::Value;
use std::collections::BTreeMap;

const DEFAULT_PATTERNS: u32 = 100;
const MOST_PATTERNS: u32 = 1_000;
const DEFAULT_BUCKETS: u32 = 30;

/// Every pattern among the matching events, counted over the whole range and not over a sample.
pub(super) async fn patterns(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<Patterns>, ApiError> {
    let plan = plan_of(&reader, &executor, &request).await?;
    let limit = u64::from(request.limit.unwrap_or(DEFAULT_PATTERNS).clamp(1, MOST_PATTERNS));
    let interval_ns = bucket_ns(plan.range(), request.buckets.unwrap_or(DEFAULT_BUCKETS));
    let sparkline = Sparkline::over(plan.range(), interval_ns);
    let answer = executor.for_reader(&reader, plan.patterns(interval_ns, limit)?).await?;
    auditor.read_logs(read_of("patterns", &plan, [&answer.stats])).await;
    let total = |column: usize| answer.rows.first().and_then(|row| whole(row.get(column)?)).unwrap_or(0);
    let (events, distinct) = (total(8), total(9));
    let patterns: Vec<Pattern> = answer.rows.iter().filter_map(|row| pattern(row, &sparkline)).collect();
    Ok(web::Json(Patterns {
        truncated: distinct > patterns.len() as u64,
        patterns,
        events,
        distinct,
        interval_ms: (interval_ns / 1_000_000).unsigned_abs(),
        start: Some(rfc3339(sparkline.first_ns)),
    }))
}

/// From pattern, count, levels, buckets, and the newest event's time, batch, row and message.
fn pattern(row: &[Value], sparkline: &Sparkline) -> Option<Pattern> {
    let by_level: BTreeMap<String, u64> = counts(row.get(2)?);
    let most = by_level.iter().max_by_key(|(_, count)| **count);
    let level = most.map(|(level, _)| level.clone()).filter(|level| level != "unknown");
    let newest = EventKey {
        timestamp_ns: whole(row.get(4)?)?,
        batch_id: whole(row.get(5)?)?,
        batch_row: whole(row.get(6)?)?,
    };
    Some(Pattern {
        pattern: row.first()?.as_str()?.to_owned(),
        count: whole(row.get(1)?)?,
        level,
        by_level,
        sample_id: newest.id(),
        sample: row.get(7)?.as_str()?.to_owned(),
        last_seen: rfc3339(newest.timestamp_ns),
        sparkline: sparkline.of(&counts(row.get(3)?)),
    })
}

fn counts(map: &Value) -> BTreeMap<String, u64> {
    let members = map.as_object().into_iter().flatten();
    members.filter_map(|(key, count)| Some((key.clone(), whole(count)?))).collect()
}

struct Sparkline {
    first_ns: i64,
    interval_ns: i64,
    buckets: usize,
}

impl Sparkline {
    fn over(range: &TimeRange, interval_ns: i64) -> Self {
        let first_ns = range.from_ns.div_euclid(interval_ns) * interval_ns;
        let buckets = (range.to_ns - first_ns + interval_ns - 1) / interval_ns;
        Self { first_ns, interval_ns, buckets: usize::try_from(buckets).unwrap_or(0) }
    }

    fn of(&self, counts: &BTreeMap<String, u64>) -> Vec<u64> {
        let mut line = vec![0; self.buckets];
        for (start, count) in counts {
            let Ok(start_ns) = start.parse::<i64>() else { continue };
            let index = usize::try_from((start_ns - self.first_ns) / self.interval_ns).ok();
            if let Some(bucket) = index.and_then(|index| line.get_mut(index)) {
                *bucket += count;
            }
        }
        line
    }
}
