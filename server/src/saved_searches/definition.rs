//! What a saved search says, checked: it can be run, and its name can be read.

use super::SavedSearchError;
use crate::error::InvalidFields;
use crate::search::SearchError;
use crate::search::time_range::{Asked, TimeRange};
use crate::time::now_us;
use api_types::saved_searches::SavedSearchRequest;
use api_types::search::TimeInput;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const NAME_CHARACTERS: usize = 200;
const COLUMNS: usize = 50;
const COLUMN_BYTES: usize = 256;

/// What is kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub query: String,
    pub columns: Vec<String>,
    pub from: Option<TimeInput>,
    pub to: Option<TimeInput>,
}

/// Everything about a saved search that its author decides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    pub name: String,
    pub folder: String,
    pub definition: Definition,
    pub project_id: Option<Uuid>,
    pub shared: bool,
}

impl Content {
    /// The content with what the request says in its place.
    ///
    /// # Errors
    /// 422 `invalid` or `query_invalid`, 404 for a project that is none.
    pub fn changed(self, request: &SavedSearchRequest) -> Result<Self, SavedSearchError> {
        let Definition { query, columns, from, to } = self.definition;
        let project_id = match request.project_id.as_deref() {
            Some(id) => Some(Uuid::parse_str(id).map_err(|_| SavedSearchError::NoSuchProject)?),
            None => self.project_id,
        };
        let content = Self {
            name: request.name.as_deref().map_or(self.name, |name| name.trim().to_owned()),
            folder: request.folder.as_deref().map_or(self.folder, |folder| folder.trim().to_owned()),
            definition: Definition {
                query: request.query.clone().unwrap_or(query),
                columns: request.columns.clone().unwrap_or(columns),
                from: request.from.clone().or(from),
                to: request.to.clone().or(to),
            },
            project_id,
            shared: request.shared.unwrap_or(self.shared),
        };
        content.checked()
    }

    fn checked(self) -> Result<Self, SavedSearchError> {
        let invalid = |field: &str, code: &str, detail: &str| InvalidFields::one(field, code, detail);
        if self.name.is_empty() {
            return Err(invalid("name", "required", "Give the search a name.").into());
        }
        for (field, text) in [("name", &self.name), ("folder", &self.folder)] {
            if text.chars().count() > NAME_CHARACTERS {
                return Err(invalid(field, "too_long", "At most 200 characters.").into());
            }
        }
        let Definition { query, columns, from, to } = &self.definition;
        if columns.len() > COLUMNS || columns.iter().any(|column| column.len() > COLUMN_BYTES) {
            return Err(invalid("columns", "too_many", "At most 50 names of at most 256 bytes.").into());
        }
        query_lang::parse(query).map_err(|diagnostic| SearchError::Query {
            source_text: query.clone(),
            diagnostic: Box::new(diagnostic),
        })?;
        let asked = Asked { from: from.as_ref(), to: to.as_ref(), ..Asked::default() };
        TimeRange::parse(asked, now_us() * 1_000)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, query: &str) -> SavedSearchRequest {
        SavedSearchRequest {
            name: Some(name.into()),
            query: Some(query.into()),
            ..SavedSearchRequest::default()
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        let content = Content::default().changed(&request(" errors ", "level:error")).unwrap();
        assert_eq!(content.name, "errors");
        let moved = SavedSearchRequest { folder: Some("on call".into()), ..SavedSearchRequest::default() };
        let changed = content.clone().changed(&moved).unwrap();
        assert_eq!(changed, Content { folder: "on call".into(), ..content });
    }

    #[test]
    fn what_cannot_be_run_is_not_kept() {
        assert!(matches!(
            Content::default().changed(&request("x", "level:(")),
            Err(SavedSearchError::Query(_))
        ));
        assert!(matches!(Content::default().changed(&request("  ", "*")), Err(SavedSearchError::Invalid(_))));
        let backwards =
            SavedSearchRequest { from: Some("now".into()), to: Some("now-1h".into()), ..request("x", "*") };
        assert!(matches!(Content::default().changed(&backwards), Err(SavedSearchError::Invalid(_))));
    }
}
