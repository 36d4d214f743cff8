//! Searches that people keep: query, columns and range under a name, perhaps in a folder.
//!
//! A personal one is its owner's alone, and looks absent to everybody else. A shared one is seen by the whole organization,
//! and editors may change it. Favourites are each person's own.

mod definition;
pub mod http;
pub mod store;

use crate::error::{InvalidFields, Problem, ProblemKind};
use crate::search::SearchError;
use api_types::problem::FieldProblem;
use api_types::search::Diagnostic;

#[derive(Debug, thiserror::Error)]
pub enum SavedSearchError {
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    #[error(transparent)]
    Query(#[from] SearchError),
    #[error("There is no such saved search, or it is somebody's own.")]
    NotFound,
    #[error("Shared searches are made and changed by editors. Ask one, or keep the search for yourself.")]
    EditorNeeded,
    #[error("An API key has no searches of its own, and no favourites: give `shared: true`.")]
    PersonNeeded,
    #[error("There is no such project.")]
    NoSuchProject,
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Problem for SavedSearchError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Invalid(invalid) => invalid.kind(),
            Self::Query(error) => error.kind(),
            Self::NotFound | Self::NoSuchProject => ProblemKind::NotFound,
            Self::EditorNeeded => ProblemKind::Forbidden("role_too_small"),
            Self::PersonNeeded => ProblemKind::Forbidden("person_needed"),
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Invalid(invalid) => invalid.fields(),
            _ => Vec::new(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Query(error) => error.diagnostics(),
            _ => Vec::new(),
        }
    }
}
