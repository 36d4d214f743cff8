//! What is known of a project's data: helps with units, warnings and completion, and never changes what is valid.
//! An empty catalogue is fine.

use serde::{Deserialize, Serialize};

use crate::ast::Kind;

/// The fields that were seen, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    #[serde(default)]
    pub fields: Vec<KnownField>,
    /// Names of uploaded tables for `lookup`.
    #[serde(default)]
    pub tables: Vec<KnownTable>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownField {
    /// As it is written in queries: `http.status`; core fields by their name.
    pub path: String,
    /// Every kind that was seen; several when services disagree.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Events that have it.
    #[serde(default)]
    pub count: u64,
    /// `ms`, `s`, `b`, `kb` …, when somebody has said so.
    #[serde(default)]
    pub unit: Option<String>,
    /// Most frequent first.
    #[serde(default)]
    pub top_values: Vec<KnownValue>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownValue {
    pub text: String,
    #[serde(default)]
    pub count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownTable {
    pub name: String,
    pub columns: Vec<String>,
}

impl Catalogue {
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&KnownField> {
        self.fields.iter().find(|field| field.path == path)
    }

    /// Whether the path, or something below it, was seen.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        self.fields.iter().any(|field| {
            field.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}
