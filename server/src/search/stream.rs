//! A search that tells how far it is: server-sent events `progress`, `rows`, and at the end `result` or `error`.
//!
//! When the client goes away, the task ends, and the log store kills its statement.

use super::catalogues::Catalogues;
use super::execute::Executor;
use super::http::{Prepared, read_of};
use super::streamed::{Pieces, Streamed};
use super::{SearchError, empty};
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::logstore::{Answer, Reading, Stats};
use crate::telemetry::current_request_id;
use crate::tenant::TenantScope;
use actix_web::web;
use api_types::search::{Progress, SearchAnswer, SearchRequest};
use bytes::Bytes;
use query_lang::sql::Compiled;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// The newest part of the range that is read first: rows that it has are shown while the rest is read.
const NEWEST_PART: i64 = 24;

/// As `POST /api/v1/logs/search`, with progress. What is wrong with the request is answered as there.
///
/// # Errors
/// As `search`; what fails later comes as `event: error` with a problem as its data.
pub(super) async fn search(
    reader: Reader,
    executor: web::Data<Executor>,
    catalogues: web::Data<Catalogues>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<Streamed, ApiError> {
    let (prepared, compiled) = Prepared::of(&reader, &executor, &catalogues, &request).await?;
    reader.check_budget().await?;
    let search = Streaming {
        executor: executor.get_ref().clone(),
        tenant: *reader.scope(),
        reader,
        auditor,
        is_first_page: request.cursor.is_none(),
        prepared,
        untold: Mutex::default(),
        request_id: current_request_id(),
    };
    Ok(Streamed::begin("text/event-stream; charset=utf-8", |pieces| search.run(compiled, pieces)))
}

struct Streaming {
    reader: Reader,
    auditor: Auditor,
    executor: Executor,
    tenant: TenantScope,
    prepared: Prepared,
    is_first_page: bool,
    /// What the rows cost that were shown before the search is over.
    untold: Mutex<Option<Stats>>,
    request_id: String,
}

impl Streaming {
    async fn run(self, compiled: Compiled, pieces: Pieces) {
        let event = match self.answer(compiled, &pieces).await {
            Ok(answer) => event("result", &answer),
            Err(error) => event("error", &ApiError::from(error).late_body(self.request_id.clone())),
        };
        let _ = pieces.send(Ok(event)).await;
    }

    async fn answer(&self, compiled: Compiled, pieces: &Pieces) -> Result<SearchAnswer, SearchError> {
        if let Some(newest) = self.newest().await? {
            if newest.truncated {
                return Ok(newest);
            }
            if !newest.rows.is_empty() {
                // it is told together with the rest, or when the client goes away before that
                let _ = pieces.send(Ok(event("rows", &newest))).await;
            }
        }
        let answer = self.read(compiled, pieces).await?;
        self.reader.spend(answer.stats.rows_read);
        let untold = self.take_untold();
        self.tell([Some(answer.stats), untold]).await;
        let mut answer = self.prepared.answer(answer);
        if answer.rows.is_empty() && self.is_first_page {
            answer.empty = Some(empty::reason(&self.executor, &self.tenant, &self.prepared.plan).await);
        }
        Ok(answer)
    }

    /// The whole answer, with progress meanwhile. Where a row rule hides events there is none: it would count them.
    async fn read(&self, compiled: Compiled, pieces: &Pieces) -> Result<Answer, SearchError> {
        if self.prepared.plan.is_narrowed() {
            return self.executor.interactive(&self.tenant, compiled).await;
        }
        let (sender, readings) = mpsc::channel(1);
        tokio::select! {
            answer = self.executor.watched(&self.tenant, compiled, &sender) => answer,
            never = pass_on(readings, pieces) => match never {},
        }
    }

    /// The rows of the newest part of the range: with more than a page of them the search is over.
    async fn newest(&self) -> Result<Option<SearchAnswer>, SearchError> {
        if !self.prepared.is_first_page_of_events() {
            return Ok(None);
        }
        let range = self.prepared.plan.range();
        let from_ns = range.to_ns - (range.to_ns - range.from_ns) / NEWEST_PART;
        let answer = self.executor.interactive(&self.tenant, self.prepared.newest(from_ns)?).await?;
        self.reader.spend(answer.stats.rows_read);
        let stats = answer.stats;
        let answer = self.prepared.answer(answer);
        if answer.truncated {
            self.tell([Some(stats), None]).await;
        } else {
            *self.untold.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
        }
        Ok(Some(answer))
    }

    fn take_untold(&self) -> Option<Stats> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells the audit log.
    async fn tell(&self, statements: [Option<Stats>; 2]) {
        self.auditor.read_logs(read_of("search", &self.prepared.plan, statements.iter().flatten())).await;
    }
}

/// A client that goes away has seen the newest rows all the same.
impl Drop for Streaming {
    fn drop(&mut self) {
        if let (Some(stats), Ok(runtime)) = (self.take_untold(), Handle::try_current()) {
            let (auditor, read) = (self.auditor.clone(), read_of("search", &self.prepared.plan, [&stats]));
            runtime.spawn(async move { auditor.read_logs(read).await });
        }
    }
}

/// Readings become events until the search has ended.
async fn pass_on(mut readings: mpsc::Receiver<Reading>, pieces: &Pieces) -> std::convert::Infallible {
    while let Some(reading) = readings.recv().await {
        if pieces.send(Ok(event("progress", &progress(reading)))).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

fn progress(reading: Reading) -> Progress {
    let Reading { rows, bytes, rows_total, elapsed_ms } = reading;
    let percent = (rows_total > 0).then(|| (100.0 * rows as f64 / rows_total as f64).min(100.0));
    Progress { elapsed_ms, rows_read: rows, bytes_read: bytes, rows_total, percent }
}

/// One server-sent event; JSON has no line breaks of its own.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data() {
        let text = event("rows", &serde_json::json!({ "message": "a\nb" }));
        assert_eq!(text, "event: rows\ndata: {\"message\":\"a\\nb\"}\n\n");
    }

    #[test]
    fn progress_has_no_percent_while_nobody_knows_the_whole() {
        assert_eq!(progress(Reading::default()).percent, None);
        let reading = Reading { rows: 30, rows_total: 20, ..Reading::default() };
        assert_eq!(progress(reading).percent, Some(100.0));
    }
}
