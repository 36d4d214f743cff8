//! What happened beside the logs: deployments and notes that people or their tools record, and alerts that fired.

use crate::search::TimeInput;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationKind {
    Deployment,
    Note,
    /// An alert fired. Nobody records these; they come with the others.
    Alert,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    pub id: String,
    pub kind: AnnotationKind,
    pub at: String,
    pub title: String,
    /// `null`: about every project.
    pub project_id: Option<String>,
    /// Of an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_rule_id: Option<String>,
    /// The caller may delete it.
    pub editable: bool,
}

/// `POST /api/v1/annotations`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationRequest {
    pub title: String,
    /// A note when absent. `alert` cannot be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AnnotationKind>,
    /// Now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<TimeInput>,
    /// Every project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

/// `GET, PUT /api/v1/projects/{id}/pinned-fields`: those that everybody in the project sees first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFields {
    pub fields: Vec<String>,
}
