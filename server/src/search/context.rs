//! The events around one event, whatever the query was.

use super::execute::Executor;
use super::http::read_of_event;
use super::respond::RowForm;
use super::{SearchError, plan};
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::logstore::Stats;
use crate::time::now_us;
use actix_web::web;
use api_types::events::Context;
use api_types::search::EventRow;
use query_lang::ast::Core;
use query_lang::sql::{EventKey, Neighbours, compile_context};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

const DEFAULT_NEIGHBOURS: u64 = 50;
const MOST_NEIGHBOURS: u64 = 1_000;
const HOUR_NS: i64 = 3_600_000_000_000;
/// Nearly always enough; the second one is longer than anything is kept.
const REACHES_NS: [i64; 2] = [HOUR_NS, 400 * 24 * HOUR_NS];
/// What neighbours may have in common.
const SAME: [Core; 5] = [Core::Source, Core::Host, Core::Level, Core::TraceId, Core::SpanId];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Around {
    before: Option<u64>,
    after: Option<u64>,
    #[serde(default)]
    same: String,
    project_id: Option<String>,
}

/// The event with its neighbours in time. `same=source,host` leaves only those with the same source and host.
///
/// # Errors
/// - 404: no such event in the project.
/// - 422 `invalid`: too many neighbours, or a field that they cannot have in common.
pub(super) async fn context(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    id: web::Path<String>,
    around: web::Query<Around>,
) -> Result<web::Json<Context>, ApiError> {
    let key = EventKey::of_id(&id).ok_or(SearchError::NoSuchEvent)?;
    let (before, after) = (counted("before", around.before)?, counted("after", around.after)?);
    let fields = fields_of(&around.same)?;
    let project = reader.project(around.project_id.as_deref()).await?;
    let mut finder = Finder { executor: &executor, reader: &reader, project, key, statements: Vec::new() };
    let event = finder.event().await?;
    let same: Vec<(Core, String)> =
        fields.into_iter().map(|core| (core, text_of(&event, core.name()))).collect();
    let (mut older, more_before) = finder.neighbours(true, before, &same).await?;
    let (newer, more_after) = finder.neighbours(false, after, &same).await?;
    older.reverse();
    auditor.read_logs(read_of_event("context", project, &id, &finder.statements)).await;
    Ok(web::Json(Context { event: event_of(event)?, before: older, after: newer, more_before, more_after }))
}

fn counted(field: &str, asked: Option<u64>) -> Result<u64, InvalidFields> {
    match asked.unwrap_or(DEFAULT_NEIGHBOURS) {
        count if count <= MOST_NEIGHBOURS => Ok(count),
        _ => Err(InvalidFields::one(field, "out_of_range", "Give a number up to 1000.")),
    }
}

fn fields_of(same: &str) -> Result<Vec<Core>, InvalidFields> {
    let names = same.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            SAME.into_iter().find(|core| core.name() == name).ok_or_else(|| {
                let names = SAME.map(Core::name).join(", ");
                InvalidFields::one("same", "unknown_field", &format!("`{name}` is none of {names}."))
            })
        })
        .collect()
}

fn text_of(event: &Value, field: &str) -> String {
    event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn event_of(row: Value) -> Result<EventRow, SearchError> {
    serde_json::from_value(row).map_err(|_| SearchError::NoSuchEvent)
}

struct Finder<'a> {
    executor: &'a Executor,
    reader: &'a Reader,
    project: Uuid,
    key: EventKey,
    /// What was run cost so much.
    statements: Vec<Stats>,
}

impl Finder<'_> {
    async fn event(&mut self) -> Result<Value, ApiError> {
        let compiled = plan::one_event(self.reader.sight(), self.project, self.key)?;
        let form = RowForm::of(&compiled);
        let answer = self.executor.for_reader(self.reader, compiled).await?;
        self.statements.push(answer.stats);
        Ok(form.rows(answer).into_iter().next().ok_or(SearchError::NoSuchEvent)?)
    }

    /// Nearest first, and whether there are more.
    async fn neighbours(
        &mut self,
        older: bool,
        count: u64,
        same: &[(Core, String)],
    ) -> Result<(Vec<EventRow>, bool), ApiError> {
        let scope =
            plan::scope_of(self.reader.sight(), self.project, now_us() * 1000).map_err(SearchError::from)?;
        let mut found = Vec::new();
        for within_ns in REACHES_NS {
            let neighbours = Neighbours { older, count: count + 1, within_ns, same: same.to_vec() };
            let compiled = compile_context(&scope, self.key, &neighbours);
            let form = RowForm::of(&compiled);
            let answer = self.executor.for_reader(self.reader, compiled).await?;
            self.statements.push(answer.stats);
            found = form.rows(answer);
            if found.len() as u64 > count {
                break;
            }
        }
        let more = found.len() as u64 > count;
        found.truncate(count as usize);
        Ok((found.into_iter().map(event_of).collect::<Result<_, _>>()?, more))
    }
}
