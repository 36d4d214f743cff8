//! The search endpoints: reads requests, asks `plan` and `execute`, gives answers their shape.

use super::cursor::{Cursor, Position};
use super::execute::Executor;
use super::plan::{Page, Plan, check_text};
use super::respond::{RowForm, diagnostic, key_of, rfc3339, whole};
use super::time_range::{Asked, TimeRange, bucket_ns};
use super::{SearchError, plan};
use crate::audit::{Auditor, Target};
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::logstore::Stats;
use crate::runtime::on_main;
use crate::time::now_us;
use actix_web::web;
use api_types::search::{
    Bucket, CheckAnswer, CheckRequest, Field, FieldValue, FieldValues, Fields, Histogram, SearchAnswer,
    SearchRequest, SearchStats, TimeInput,
};
use query_lang::sql::EventKey;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So much of a query the audit log keeps.
const AUDITED_CHARACTERS: usize = 2_000;
const DEFAULT_ROWS: u32 = 100;
const MOST_ROWS: u32 = 10_000;
const DEFAULT_BUCKETS: u32 = 60;
const DEFAULT_VALUES: u32 = 20;
const MOST_VALUES: u32 = 1_000;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/search").get(on_main(search_by_address)).post(on_main(search)))
        .service(web::resource("/api/v1/logs/histogram").post(on_main(histogram)))
        .service(web::resource("/api/v1/logs/fields").post(on_main(fields)))
        .service(web::resource("/api/v1/logs/field-values").post(on_main(field_values)))
        .service(web::resource("/api/v1/logs/{id}").get(on_main(event)))
        .service(web::resource("/api/v1/query/check").post(on_main(check)));
}

/// Searches: events for a plain query, rows of its table for one with a stage such as `stats`.
///
/// # Errors
/// - 422 `query_invalid`: the query does not compile; `span` points into the text.
/// - 422 `invalid`, `cursor_invalid`: a field of the request is not acceptable.
/// - 422 `search_too_expensive`, 429 `too_many_searches`, 503: it cannot be run, or not now.
async fn search(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    run_search(&reader, &executor, &auditor, &request).await.map(web::Json)
}

/// What `GET /api/v1/logs/search` takes in its address; `q`, `start` and `end` are what others call them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressSearch {
    #[serde(alias = "q", default)]
    query: String,
    #[serde(alias = "start")]
    from: Option<String>,
    #[serde(alias = "end")]
    to: Option<String>,
    now: Option<String>,
    tz: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    project_id: Option<String>,
}

async fn search_by_address(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    address: web::Query<AddressSearch>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    let address = address.into_inner();
    let request = SearchRequest {
        query: address.query,
        from: address.from.map(TimeInput::Text),
        to: address.to.map(TimeInput::Text),
        now: address.now.map(TimeInput::Text),
        tz: address.tz,
        limit: address.limit,
        cursor: address.cursor,
        project_id: address.project_id,
        ..SearchRequest::default()
    };
    run_search(&reader, &executor, &auditor, &request).await.map(web::Json)
}

async fn run_search(
    reader: &Reader,
    executor: &Executor,
    auditor: &Auditor,
    request: &SearchRequest,
) -> Result<SearchAnswer, ApiError> {
    let limit = request.limit.unwrap_or(DEFAULT_ROWS);
    if limit == 0 || limit > MOST_ROWS {
        return Err(InvalidFields::one("limit", "out_of_range", "Give a number from 1 to 10000.").into());
    }
    let cursor =
        request.cursor.as_deref().map(|text| Cursor::parse(text).ok_or(SearchError::Cursor)).transpose()?;
    let plan = plan_of(reader, request, cursor.as_ref()).await?;
    let page = page_of(limit, cursor.as_ref());
    let compiled = plan.rows(page)?;
    let (form, keyset) = (RowForm::of(&compiled), compiled.keyset);
    let mut warnings = plan.warnings().to_vec();
    warnings.extend(compiled.warnings.iter().cloned());
    let mut answer = executor.for_reader(reader, compiled).await?;
    record_read(auditor, "logs.searched", &plan, &answer.stats).await;
    let more = answer.rows.len() as u64 > u64::from(limit);
    answer.rows.truncate(limit as usize);
    let next = if more { next_page(&plan, page, keyset, &answer.rows) } else { None };
    let stats = SearchStats {
        elapsed_ms: answer.stats.elapsed_ms,
        rows_read: answer.stats.rows_read,
        bytes_read: answer.stats.bytes_read,
        cached: false,
    };
    Ok(SearchAnswer {
        columns: form.columns(),
        shape: if form.is_events() { "events" } else { "table" }.into(),
        rows: form.rows(answer),
        truncated: more,
        next_cursor: next.map(|cursor| cursor.text()),
        stats,
        warnings: warnings.iter().map(|warning| diagnostic(plan.source(), warning)).collect(),
    })
}

/// Tells the audit log who read what, and what it cost.
pub(super) async fn record_read(auditor: &Auditor, action: &'static str, plan: &Plan, stats: &Stats) {
    let detail = json!({
        "query": plan.source().chars().take(AUDITED_CHARACTERS).collect::<String>(),
        "from": rfc3339(plan.range().from_ns),
        "to": rfc3339(plan.range().to_ns),
        "rows_read": stats.rows_read,
        "bytes_read": stats.bytes_read,
        "elapsed_ms": stats.elapsed_ms,
    });
    auditor.read(action, Target::of(plan.project_id(), "logs"), detail).await;
}

async fn plan_of(
    reader: &Reader,
    request: &SearchRequest,
    cursor: Option<&Cursor>,
) -> Result<Plan, ApiError> {
    let project = reader.project(request.project_id.as_deref()).await?;
    let asked = Asked {
        from: request.from.as_ref(),
        to: request.to.as_ref(),
        now: request.now.as_ref(),
        zone: request.tz.as_deref(),
    };
    let mut range = TimeRange::parse(asked, now_us() * 1_000)?;
    if let Some(cursor) = cursor {
        (range.from_ns, range.to_ns) = (cursor.from_ns, cursor.to_ns);
    }
    Ok(Plan::new(reader.scope(), project, &request.query, range)?)
}

fn page_of(limit: u32, cursor: Option<&Cursor>) -> Page {
    let page = Page { limit: u64::from(limit), ..Page::default() };
    match cursor.map(|cursor| cursor.position) {
        None => page,
        Some(Position::After(key)) => Page { after: Some(key), ..page },
        Some(Position::Skip(rows)) => Page { offset: rows, ..page },
    }
}

fn next_page(plan: &Plan, page: Page, keyset: bool, rows: &[Vec<Value>]) -> Option<Cursor> {
    let position = if keyset {
        Position::After(key_of(rows.last()?)?)
    } else {
        Position::Skip(page.offset + rows.len() as u64)
    };
    Some(Cursor { from_ns: plan.range().from_ns, to_ns: plan.range().to_ns, position })
}

/// How many events match, by time and level. Empty buckets are there too.
async fn histogram(
    reader: Reader,
    executor: web::Data<Executor>,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<Histogram>, ApiError> {
    let plan = plan_of(&reader, &request, None).await?;
    let interval_ns = bucket_ns(plan.range(), request.buckets.unwrap_or(DEFAULT_BUCKETS));
    let answer = executor.for_reader(&reader, plan.histogram(interval_ns)?).await?;
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

/// Which fields the matching events have, most frequent first.
async fn fields(
    reader: Reader,
    executor: web::Data<Executor>,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<Fields>, ApiError> {
    let plan = plan_of(&reader, &request, None).await?;
    let answer = executor.for_reader(&reader, plan.fields()?).await?;
    Ok(web::Json(Fields { fields: answer.rows.iter().filter_map(|row| field(row)).collect() }))
}

/// From name, kind, count and number of different values.
fn field(row: &[Value]) -> Option<Field> {
    Some(Field {
        name: row.first()?.as_str()?.to_owned(),
        kind: row.get(1)?.as_str()?.to_owned(),
        count: whole(row.get(2)?)?,
        distinct: row.get(3).and_then(whole),
    })
}

/// The most frequent values of one field among the matching events.
///
/// # Errors
/// 422 `invalid` when no field is named.
async fn field_values(
    reader: Reader,
    executor: web::Data<Executor>,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<FieldValues>, ApiError> {
    let Some(field) = request.field.as_deref().filter(|field| !field.is_empty()) else {
        return Err(InvalidFields::one("field", "missing", "Name the field whose values you want.").into());
    };
    let plan = plan_of(&reader, &request, None).await?;
    let limit = u64::from(request.limit.unwrap_or(DEFAULT_VALUES).clamp(1, MOST_VALUES));
    let compiled = plan.field_values(field, request.prefix.as_deref().unwrap_or_default(), limit)?;
    let answer = executor.for_reader(&reader, compiled).await?;
    let value = |row: &Vec<Value>| {
        Some(FieldValue { value: row.first()?.as_str()?.to_owned(), count: whole(row.get(1)?)? })
    };
    let total = answer.rows.first().and_then(|row| whole(row.get(2)?)).unwrap_or(0);
    Ok(web::Json(FieldValues { values: answer.rows.iter().filter_map(value).collect(), total }))
}

#[derive(Debug, Deserialize)]
struct OneEvent {
    project_id: Option<String>,
}

/// One event by its id.
///
/// # Errors
/// 404: no such event in the project.
async fn event(
    reader: Reader,
    executor: web::Data<Executor>,
    id: web::Path<String>,
    wanted: web::Query<OneEvent>,
) -> Result<web::Json<Value>, ApiError> {
    let key = EventKey::of_id(&id).ok_or(SearchError::NoSuchEvent)?;
    let project = reader.project(wanted.project_id.as_deref()).await?;
    let compiled = plan::one_event(reader.scope(), project, key)?;
    let form = RowForm::of(&compiled);
    let answer = executor.for_reader(&reader, compiled).await?;
    let row = form.rows(answer).into_iter().next().ok_or(SearchError::NoSuchEvent)?;
    Ok(web::Json(row))
}

/// Says whether a query is right, without running it.
async fn check(_reader: Reader, request: web::Json<CheckRequest>) -> web::Json<CheckAnswer> {
    web::Json(check_text(&request.query, now_us() * 1_000))
}
