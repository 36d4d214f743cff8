//! Searching: text → checked tree → SQL of our own making → rows.
//!
//! `plan` compiles a query for one tenant, project and range; `execute` runs plans under the tenant's limits; `respond` gives
//! rows the shape of the API. `http` only reads requests. Alerts use `plan` and `execute` too; nothing here knows of them.

mod address;
pub mod catalogues;
mod checking;
mod context;
mod csv;
pub mod cursor;
mod difference;
mod empty;
mod estimate;
pub(crate) mod event_row;
pub mod execute;
mod export;
pub mod http;
mod newest;
pub mod one_by_one;
mod overviews;
mod parquet;
mod patterns;
pub mod plan;
pub mod respond;
mod shown_sql;
mod stream;
mod streamed;
#[cfg(test)]
mod tests;
pub mod time_range;

use crate::error::{InvalidFields, Problem, ProblemKind};
use crate::logstore::LogStoreError;
use crate::sight::BrokenRule;
use api_types::problem::FieldProblem;
use api_types::search as wire;
use query_lang::Diagnostic;

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("The query does not compile: {diagnostic}")]
    Query { source_text: String, diagnostic: Box<Diagnostic> },
    #[error(transparent)]
    RowRule(#[from] BrokenRule),
    #[error(transparent)]
    Request(#[from] InvalidFields),
    #[error("The cursor is not one that a search of this query gave. Start again without it.")]
    Cursor,
    #[error("There is no such event, or its retention has ended.")]
    NoSuchEvent,
    #[error("{0}")]
    NotTranslated(&'static str),
    #[error(
        "The export would have more than {most} rows. Narrow the query or the time range, or give a `limit`."
    )]
    ExportTooLarge { most: u64 },
    #[error("Your organization has {running} searches running already. Try again in a moment.")]
    Busy { running: u32 },
    #[error(transparent)]
    Store(#[from] LogStoreError),
}

impl Problem for SearchError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Query { .. } => ProblemKind::Invalid("query_invalid"),
            Self::RowRule(broken) => broken.kind(),
            Self::Request(_) => ProblemKind::Invalid("invalid"),
            Self::Cursor => ProblemKind::Invalid("cursor_invalid"),
            Self::NoSuchEvent => ProblemKind::NotFound,
            Self::NotTranslated(_) => ProblemKind::Invalid("not_translated"),
            Self::ExportTooLarge { .. } => ProblemKind::Invalid("export_too_large"),
            Self::Busy { .. } => ProblemKind::TooManyRequests { code: "too_many_searches", retry_after_s: 2 },
            Self::Store(error) => error.kind(),
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Request(invalid) => invalid.fields(),
            _ => Vec::new(),
        }
    }

    fn diagnostics(&self) -> Vec<wire::Diagnostic> {
        match self {
            Self::Query { source_text, diagnostic } => vec![respond::diagnostic(source_text, diagnostic)],
            _ => Vec::new(),
        }
    }
}
