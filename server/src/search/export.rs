//! Exports: all matching rows as a file that is written while it is read. Memory stays the same for millions of rows.

use super::SearchError;
use super::csv::Csv;
use super::execute::{Executor, ExportedFile, ExportedRows};
use super::http::{plan_of, read_of};
use super::parquet;
use super::plan::{Page, Plan};
use super::respond::{RowForm, rfc3339, whole};
use super::streamed::{Pieces, Streamed};
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::logstore::{Answer, LogStoreError, Stats};
use crate::tenant::TenantScope;
use actix_web::web;
use api_types::events::{ExportFormat, ExportRequest};
use api_types::search::SearchRequest;
use bytes::BytesMut;
use std::io;

/// Most rows of one file.
const MOST_ROWS: u64 = 10_000_000;
const PIECE_BYTES: usize = 64 << 10;

/// Streams all rows of a query as NDJSON, CSV or Parquet. `x-cordwood-rows` says how many there will be, when counting them was cheap.
///
/// # Errors
/// - 422 `export_too_large`: more than 10,000,000 rows.
/// - as search. What fails later breaks the file off: the connection ends without the body's end.
pub(super) async fn export(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<ExportRequest>,
) -> Result<Streamed, ApiError> {
    let request = request.into_inner();
    let (format, most) = (request.format, request.limit.unwrap_or(u64::MAX));
    if most == 0 {
        return Err(InvalidFields::one("limit", "out_of_range", "Give at least 1, or leave it out.").into());
    }
    let plan = plan_of(&reader, &executor, &search_of(request)).await?;
    reader.check_budget().await?;
    let rows = counted(&executor, reader.scope(), &plan, most).await?;
    let stats = Stats { rows_read: rows.unwrap_or(0), ..Stats::default() };
    reader.spend(stats.rows_read);
    auditor.export_logs(read_of("export", &plan, [&stats])).await;
    // A page asks for one row more than it has.
    let page = Page { limit: most.min(MOST_ROWS) - 1, ..Page::default() };
    let compiled = plan.rows(page)?;
    let form = RowForm::of(&compiled);
    let (content_type, extension) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", "ndjson"),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        ExportFormat::Parquet => ("application/vnd.apache.parquet", "parquet"),
    };
    let name = format!("attachment; filename=\"{}.{extension}\"", file_name(&plan));
    let answer = match format {
        ExportFormat::Parquet => {
            let file = executor.export_parquet(reader.scope(), parquet::of(&compiled)?).await?;
            Streamed::begin(content_type, |pieces| pass_on(file, pieces))
        }
        _ => {
            let rows = executor.export(reader.scope(), compiled).await?;
            let lines = if format == ExportFormat::Csv { Lines::Csv(Csv::of(&form)) } else { Lines::Json };
            Streamed::begin(content_type, |pieces| write(rows, form, lines, pieces))
        }
    };
    let answer = answer.with_header("content-disposition", &name);
    Ok(match rows {
        Some(rows) => answer.with_header("x-cordwood-rows", &rows.to_string()),
        None => answer,
    })
}

fn search_of(request: ExportRequest) -> SearchRequest {
    let ExportRequest { project_id, query, from, to, tz, now, .. } = request;
    SearchRequest { project_id, query, from, to, tz, now, ..SearchRequest::default() }
}

/// `logs-20260310T100000Z-20260310T110000Z`
fn file_name(plan: &Plan) -> String {
    let time = |ns: i64| {
        let text = rfc3339(ns - ns.rem_euclid(1_000_000_000));
        text.replace(['-', ':'], "")
    };
    format!("logs-{}-{}", time(plan.range().from_ns), time(plan.range().to_ns))
}

/// How many rows there will be; nothing when counting takes too long.
async fn counted(
    executor: &Executor,
    tenant: &TenantScope,
    plan: &Plan,
    most: u64,
) -> Result<Option<u64>, SearchError> {
    let counted = match executor.aside(tenant, plan.count()?).await {
        Ok(Answer { rows, .. }) => rows.first().and_then(|row| whole::<u64>(row.first()?)),
        Err(SearchError::Store(LogStoreError::Limit { .. })) => None,
        Err(error) => return Err(error),
    };
    match counted {
        Some(rows) if rows.min(most) > MOST_ROWS => Err(SearchError::ExportTooLarge { most: MOST_ROWS }),
        counted => Ok(counted.map(|rows| rows.min(most))),
    }
}

enum Lines {
    Json,
    Csv(Csv),
}

async fn write(mut rows: ExportedRows, form: RowForm, lines: Lines, pieces: Pieces) {
    let mut piece = BytesMut::with_capacity(2 * PIECE_BYTES);
    if let Lines::Csv(csv) = &lines {
        csv.header(&mut piece);
    }
    loop {
        match rows.next().await {
            Ok(Some(row)) => {
                let row = form.row(row);
                match &lines {
                    Lines::Json => {
                        piece.extend_from_slice(row.to_string().as_bytes());
                        piece.extend_from_slice(b"\n");
                    }
                    Lines::Csv(csv) => csv.line(&row, &mut piece),
                }
                if piece.len() >= PIECE_BYTES && pieces.send(Ok(piece.split().freeze())).await.is_err() {
                    return;
                }
            }
            Ok(None) => {
                let _ = pieces.send(Ok(piece.freeze())).await;
                return;
            }
            Err(error) => return break_off(&error, &pieces).await,
        }
    }
}

async fn pass_on(mut file: ExportedFile, pieces: Pieces) {
    loop {
        match file.next().await {
            Ok(Some(piece)) => {
                if pieces.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return break_off(&error, &pieces).await,
        }
    }
}

async fn break_off(error: &LogStoreError, pieces: &Pieces) {
    tracing::warn!(error = %error.chain(), "an export broke off");
    let _ = pieces.send(Err(io::Error::other("the export failed"))).await;
}
