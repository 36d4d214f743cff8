//! The search endpoints: reads requests, asks `plan` and `execute`, gives answers their shape.

use super::address::AddressSearch;
use super::catalogues::Catalogues;
use super::cursor::{Cursor, Position};
use super::execute::Executor;
use super::plan::{Page, Plan};
use super::respond::{RowForm, diagnostic, key_of};
use super::time_range::{Asked, TimeRange};
use super::{
    SearchError, checking, context, difference, empty, export, fields, overviews, patterns, plan, stream,
};
use crate::audit::{Auditor, Cost, Read};
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::logstore::{Answer, Stats};
use crate::runtime::on_main;
use crate::time::now_us;
use actix_web::web;
use api_types::search::{SearchAnswer, SearchRequest, SearchStats};
use query_lang::Diagnostic;
use query_lang::sql::{Compiled, EventKey};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

const DEFAULT_ROWS: u32 = 100;
const MOST_ROWS: u32 = 10_000;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/logs/search").get(on_main(search_by_address)).post(on_main(search)))
        .service(web::resource("/api/v1/logs/search/stream").post(on_main(stream::search)))
        .service(web::resource("/api/v1/logs/histogram").post(on_main(overviews::histogram)))
        .service(web::resource("/api/v1/logs/fields").post(on_main(fields::fields)))
        .service(web::resource("/api/v1/logs/field-values").post(on_main(overviews::field_values)))
        .service(web::resource("/api/v1/logs/patterns").post(on_main(patterns::patterns)))
        .service(web::resource("/api/v1/logs/difference").post(on_main(difference::difference)))
        .service(web::resource("/api/v1/logs/export").post(on_main(export::export)))
        .service(web::resource("/api/v1/logs/{id}").get(on_main(event)))
        .service(web::resource("/api/v1/logs/{id}/context").get(on_main(context::context)))
        .service(web::resource("/api/v1/query/check").post(on_main(checking::check)))
        .service(web::resource("/api/v1/query/translate").post(on_main(checking::translate)));
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
    catalogues: web::Data<Catalogues>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    run_search(&reader, &executor, &catalogues, &auditor, &request).await.map(web::Json)
}

async fn search_by_address(
    reader: Reader,
    executor: web::Data<Executor>,
    catalogues: web::Data<Catalogues>,
    auditor: Auditor,
    address: web::Query<AddressSearch>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    let request = address.into_inner().into_request()?;
    run_search(&reader, &executor, &catalogues, &auditor, &request).await.map(web::Json)
}

async fn run_search(
    reader: &Reader,
    executor: &Executor,
    catalogues: &Catalogues,
    auditor: &Auditor,
    request: &SearchRequest,
) -> Result<SearchAnswer, ApiError> {
    let (prepared, compiled) = Prepared::of(reader, executor, catalogues, request).await?;
    let answer = executor.for_reader(reader, compiled).await?;
    auditor.read_logs(read_of("search", &prepared.plan, [&answer.stats])).await;
    let mut answer = prepared.answer(answer);
    if answer.rows.is_empty() && request.cursor.is_none() {
        answer.empty = Some(empty::reason(executor, reader.scope(), &prepared.plan).await);
    }
    Ok(answer)
}

/// What the audit log is told of a plan that was run, and what its statements cost.
pub(super) fn read_of<'a>(
    kind: &'static str,
    plan: &Plan,
    statements: impl IntoIterator<Item = &'a Stats>,
) -> Read {
    Read {
        kind,
        project_id: plan.project_id().to_owned(),
        query: plan.source().to_owned(),
        about: None,
        range_ns: Some((plan.range().from_ns, plan.range().to_ns)),
        cost: Cost::of(statements),
    }
}

/// The same of one event, or of those around it.
pub(super) fn read_of_event<'a>(
    kind: &'static str,
    project: Uuid,
    id: &str,
    statements: impl IntoIterator<Item = &'a Stats>,
) -> Read {
    Read {
        kind,
        project_id: project.to_string(),
        query: String::new(),
        about: Some(("event", id.to_owned())),
        range_ns: None,
        cost: Cost::of(statements),
    }
}

/// A search that is ready to run, and what is needed to give its rows their form.
pub(super) struct Prepared {
    pub plan: Plan,
    page: Page,
    form: RowForm,
    keyset: bool,
    looks_elsewhere: bool,
    warnings: Vec<Diagnostic>,
}

impl Prepared {
    pub async fn of(
        reader: &Reader,
        executor: &Executor,
        catalogues: &Catalogues,
        request: &SearchRequest,
    ) -> Result<(Self, Compiled), ApiError> {
        let limit = request.limit.unwrap_or(DEFAULT_ROWS);
        if limit == 0 || limit > MOST_ROWS {
            return Err(InvalidFields::one("limit", "out_of_range", "Give a number from 1 to 10000.").into());
        }
        let cursor = request
            .cursor
            .as_deref()
            .map(|text| Cursor::parse(text).ok_or(SearchError::Cursor))
            .transpose()?;
        let (project, range) = place_of(reader, request, cursor.as_ref()).await?;
        let catalogue = catalogues.at_once(reader.sight(), project).await;
        let plan = Plan::with_catalogue(reader.sight(), project, &request.query, range, &catalogue)?;
        let plan = plan.with_paths(executor, reader.scope()).await;
        let page = page_of(limit, cursor.as_ref());
        let compiled = plan.rows(page)?;
        let (form, keyset) = (RowForm::of(&compiled), compiled.keyset);
        let looks_elsewhere = compiled.looks_elsewhere;
        let mut warnings = plan.warnings().to_vec();
        warnings.extend(compiled.warnings.iter().cloned());
        Ok((Self { plan, page, form, keyset, looks_elsewhere, warnings }, compiled))
    }

    /// Whether the rows are whole events, newest first, from the start, and the newest part of the range gives the newest of them.
    pub fn is_first_page_of_events(&self) -> bool {
        self.keyset && !self.looks_elsewhere && self.page.after.is_none()
    }

    /// The statement for the same rows, of the newest part of the range only.
    pub fn newest(&self, from_ns: i64) -> Result<Compiled, SearchError> {
        self.plan.rows_since(self.page, from_ns)
    }

    pub fn answer(&self, mut answer: Answer) -> SearchAnswer {
        let limit = self.page.limit as usize;
        let more = answer.rows.len() > limit;
        answer.rows.truncate(limit);
        let next = if more { self.next_page(&answer.rows) } else { None };
        if self.plan.is_narrowed() {
            // How much was read depends on what is hidden.
            answer.stats = Stats { elapsed_ms: answer.stats.elapsed_ms, ..Stats::default() };
        }
        SearchAnswer {
            columns: self.form.columns(),
            shape: if self.form.is_events() { "events" } else { "table" }.into(),
            stats: SearchStats {
                elapsed_ms: answer.stats.elapsed_ms,
                rows_read: answer.stats.rows_read,
                bytes_read: answer.stats.bytes_read,
                cached: answer.stats.age_ms.is_some(),
                age_ms: answer.stats.age_ms.map(|age| age as u64),
            },
            rows: self.form.rows(answer),
            truncated: more,
            next_cursor: next.map(|cursor| cursor.text()),
            warnings: self.warnings.iter().map(|warning| diagnostic(self.plan.source(), warning)).collect(),
            empty: None,
        }
    }

    fn next_page(&self, rows: &[Vec<Value>]) -> Option<Cursor> {
        let position = if self.keyset {
            Position::After(key_of(rows.last()?)?)
        } else {
            Position::Skip(self.page.offset + rows.len() as u64)
        };
        let range = self.plan.range();
        Some(Cursor { from_ns: range.from_ns, to_ns: range.to_ns, position })
    }
}

/// What a request says about time.
fn asked_of(request: &SearchRequest) -> Asked<'_> {
    Asked {
        from: request.from.as_ref(),
        to: request.to.as_ref(),
        now: request.now.as_ref(),
        zone: request.tz.as_deref(),
    }
}

pub(super) async fn plan_of(
    reader: &Reader,
    executor: &Executor,
    request: &SearchRequest,
) -> Result<Plan, ApiError> {
    let (project, range) = place_of(reader, request, None).await?;
    let plan = Plan::new(reader.sight(), project, &request.query, range)?;
    Ok(plan.with_paths(executor, reader.scope()).await)
}

/// Where and when: a later page has the range of the first one.
async fn place_of(
    reader: &Reader,
    request: &SearchRequest,
    cursor: Option<&Cursor>,
) -> Result<(Uuid, TimeRange), ApiError> {
    let project = reader.project(request.project_id.as_deref()).await?;
    let mut range = TimeRange::parse(asked_of(request), now_us() * 1_000)?;
    if let Some(cursor) = cursor {
        (range.from_ns, range.to_ns) = (cursor.from_ns, cursor.to_ns);
    }
    Ok((project, range))
}

fn page_of(limit: u32, cursor: Option<&Cursor>) -> Page {
    let page = Page { limit: u64::from(limit), ..Page::default() };
    match cursor.map(|cursor| cursor.position) {
        None => page,
        Some(Position::After(key)) => Page { after: Some(key), ..page },
        Some(Position::Skip(rows)) => Page { offset: rows, ..page },
    }
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
    auditor: Auditor,
    id: web::Path<String>,
    wanted: web::Query<OneEvent>,
) -> Result<web::Json<Value>, ApiError> {
    let key = EventKey::of_id(&id).ok_or(SearchError::NoSuchEvent)?;
    let project = reader.project(wanted.project_id.as_deref()).await?;
    let compiled = plan::one_event(reader.sight(), project, key)?;
    let form = RowForm::of(&compiled);
    let answer = executor.for_reader(&reader, compiled).await?;
    let stats = answer.stats;
    let row = form.rows(answer).into_iter().next().ok_or(SearchError::NoSuchEvent)?;
    auditor.read_logs(read_of_event("event", project, &id, [&stats])).await;
    Ok(web::Json(row))
}
