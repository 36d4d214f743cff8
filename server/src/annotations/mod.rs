//! Marks over the histogram: deployments and notes that are recorded, and alerts that fired.
//!
//! Everybody in the organization sees them; editors, and API keys with the scope `admin` such as a deployment's, record them.

pub mod http;
pub mod store;

use crate::error::{InvalidFields, Problem, ProblemKind};
use api_types::problem::FieldProblem;

#[derive(Debug, thiserror::Error)]
pub enum AnnotationError {
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    #[error("There is no such annotation.")]
    NotFound,
    #[error("There is no such project.")]
    NoSuchProject,
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Problem for AnnotationError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Invalid(invalid) => invalid.kind(),
            Self::NotFound | Self::NoSuchProject => ProblemKind::NotFound,
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }

    fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Invalid(invalid) => invalid.fields(),
            _ => Vec::new(),
        }
    }
}
