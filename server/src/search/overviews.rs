//! What the matching events look like as a whole: over time, and by the values of a field.

use super::execute::Executor;
use super::http::{plan_of, read_of};
use super::respond::{rfc3339, whole};
use super::time_range::{TimeRange, bucket_ns};
use crate::audit::{Auditor, Read};
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use actix_web::web;
use api_types::search::{Bucket, FieldValue, FieldValues, Histogram, SearchRequest};
use serde_json::Value;
use std::collections::BTreeMap;

const DEFAULT_BUCKETS: u32 = 60;
const DEFAULT_VALUES: u32 = 20;
const MOST_VALUES: u32 = 1_000;

/// How many events match, by time and level. Empty buckets are there too.
pub(super) async fn histogram(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<Histogram>, ApiError> {
    let plan = plan_of(&reader, &executor, &request).await?;
    let interval_ns = bucket_ns(plan.range(), request.buckets.unwrap_or(DEFAULT_BUCKETS));
    let answer = executor.for_reader(&reader, plan.histogram(interval_ns)?).await?;
    auditor.read_logs(read_of("histogram", &plan, [&answer.stats])).await;
    let mut buckets = empty_buckets(plan.range(), interval_ns);
    for row in &answer.rows {
        if let Some((start_ns, level, count)) = counted(row)
            && let Some(bucket) = buckets.get_mut(&start_ns)
        {
            bucket.total += count;
            *bucket.by_level.entry(level).or_default() += count;
        }
    }
    let buckets = buckets.into_values().collect();
    Ok(web::Json(Histogram { interval_ms: (interval_ns / 1_000_000).unsigned_abs(), buckets }))
}

fn counted(row: &[Value]) -> Option<(i64, String, u64)> {
    Some((whole(row.first()?)?, row.get(1)?.as_str()?.to_owned(), whole(row.get(2)?)?))
}

fn empty_buckets(range: &TimeRange, interval_ns: i64) -> BTreeMap<i64, Bucket> {
    let first = range.from_ns.div_euclid(interval_ns) * interval_ns;
    (0..)
        .map(|index| first + index * interval_ns)
        .take_while(|start| *start < range.to_ns)
        .map(|start| (start, Bucket { start: rfc3339(start), total: 0, by_level: BTreeMap::new() }))
        .collect()
}

/// The most frequent values of one field among the matching events.
///
/// # Errors
/// 422 `invalid` when no field is named.
pub(super) async fn field_values(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<FieldValues>, ApiError> {
    let Some(field) = request.field.as_deref().filter(|field| !field.is_empty()) else {
        return Err(InvalidFields::one("field", "missing", "Name the field whose values you want.").into());
    };
    let plan = plan_of(&reader, &executor, &request).await?;
    let limit = u64::from(request.limit.unwrap_or(DEFAULT_VALUES).clamp(1, MOST_VALUES));
    let compiled = plan.field_values(field, request.prefix.as_deref().unwrap_or_default(), limit)?;
    let answer = executor.for_reader(&reader, compiled).await?;
    let about = Some(("field", field.to_owned()));
    auditor.read_logs(Read { about, ..read_of("field-values", &plan, [&answer.stats]) }).await;
    let value = |row: &Vec<Value>| {
        Some(FieldValue { value: row.first()?.as_str()?.to_owned(), count: whole(row.get(1)?)? })
    };
    let total = answer.rows.first().and_then(|row| whole(row.get(2)?)).unwrap_or(0);
    Ok(web::Json(FieldValues { values: answer.rows.iter().filter_map(value).collect(), total }))
}
