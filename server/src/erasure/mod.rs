//! Removing data for good: logs by a query, a project, a whole organization; what has outlived its project's retention; and one
//! person out of all logs, by a pseudonym.
//!
//! Whoever asks is told how many rows it will take, and can change their mind until the job starts. Jobs survive restarts: a node
//! takes one by lease, and each step may be done twice. A finished job has a certificate that says what was asked, what was
//! erased, and that a last count found nothing. Backups, and logs that went elsewhere, are not touched.

mod archive;
mod http;
mod pseudonymise;
mod pseudonymise_http;
mod retention;
mod runner;
mod steps;
mod store;
mod subject;

pub use http::{delete_organization, delete_project, routes};

use crate::audit::Audit;
use crate::auth::Auth;
use crate::config::Settings;
use crate::db::Db;
use crate::email::Mailer;
use crate::error::{InvalidFields, Problem, ProblemKind};
use crate::ingest::dead_letters::LetterError;
use crate::logstore::{LogStore, LogStoreError};
use crate::search::SearchError;
use crate::search::execute::Executor;
use crate::shutdown::Shutdown;
use crate::time::{DAY_US, Micros, SECOND_US};
use api_types::problem::FieldProblem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, &[(&str, &str)])] =
    &[("erasure/archive/contents.rs", archive::STATEMENTS), ("erasure/store.rs", store::ALL)];

/// What handlers and the runner share; cheap to clone.
#[derive(Clone)]
pub struct Erasure {
    db: Db,
    logs: LogStore,
    searches: Executor,
    auth: Auth,
    audit: Audit,
    mailer: Mailer,
    /// Between asking and starting.
    delay_us: Micros,
    /// The same for a whole organization.
    grace_us: Micros,
    sweep: Duration,
    /// Where archives of organizations are kept.
    exports: PathBuf,
    news: Arc<Notify>,
}

impl Erasure {
    #[must_use]
    pub fn new(
        settings: &Settings,
        db: Db,
        logs: LogStore,
        searches: Executor,
        auth: Auth,
        audit: Audit,
        mailer: Mailer,
    ) -> Self {
        Self {
            db,
            logs,
            searches,
            auth,
            audit,
            mailer,
            delay_us: i64::from(settings.erasure_delay_s) * SECOND_US,
            grace_us: i64::from(settings.deletion_grace_days) * DAY_US,
            sweep: Duration::from_secs(u64::from(settings.retention_sweep_s.max(1))),
            exports: settings.data_dir.join("exports"),
            news: Arc::default(),
        }
    }

    /// Runs jobs and applies retentions until the shutdown.
    pub fn start(&self, shutdown: &Shutdown) {
        shutdown.spawn(runner::run(self.clone(), shutdown.token()));
        shutdown.spawn(retention::run(self.clone(), shutdown.token()));
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    #[error("There is nothing here. Check the address and the id.")]
    NotFound,
    #[error("The job has started, so it cannot be cancelled any more.")]
    Started,
    #[error("This is being deleted already.")]
    Already,
    #[error("An organization keeps at least one project. Create another one first.")]
    LastProject,
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error("rows are left after erasing: {left}")]
    RowsLeft { left: u64 },
    #[error("failed to write or read an archive")]
    Archive(#[source] std::io::Error),
    #[error("an event could not be read back")]
    Unreadable,
    #[error(transparent)]
    Letters(LetterError),
    #[error("failed to {action}")]
    Logs {
        action: &'static str,
        #[source]
        source: LogStoreError,
    },
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Problem for ErasureError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NotFound => ProblemKind::NotFound,
            Self::Started => ProblemKind::Conflict("job_started"),
            Self::Already => ProblemKind::Conflict("deletion_pending"),
            Self::LastProject => ProblemKind::Conflict("last_project"),
            Self::Fields(invalid) => invalid.kind(),
            Self::Search(error) => error.kind(),
            Self::RowsLeft { .. } | Self::Unreadable | Self::Archive(_) => ProblemKind::Internal,
            Self::Letters(error) => error.kind(),
            Self::Logs { source, .. } => source.kind(),
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Fields(invalid) => invalid.fields(),
            Self::Search(error) => error.fields(),
            _ => Vec::new(),
        }
    }
}
