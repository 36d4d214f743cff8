//! `GET /api/v1/logs/search`: a whole search in an address, as scripts and links write it.

use super::{SearchError, plan};
use api_types::search::{SearchRequest, TimeInput};
use query_lang::{Edit, Term, edit};
use serde::Deserialize;

/// `q`, `start` and `end` are what others call query, from and to; `source`, `level` and `host` narrow the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressSearch {
    #[serde(alias = "q", default)]
    query: String,
    #[serde(alias = "start")]
    from: Option<String>,
    #[serde(alias = "end")]
    to: Option<String>,
    now: Option<String>,
    tz: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
    project_id: Option<String>,
    source: Option<String>,
    level: Option<String>,
    host: Option<String>,
}

impl AddressSearch {
    /// # Errors
    /// `query_invalid`: the query does not parse.
    pub fn into_request(self) -> Result<SearchRequest, SearchError> {
        let mut query = self.query;
        let narrowing = [("source", self.source), ("level", self.level), ("host", self.host)];
        for (field, value) in narrowing {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query = narrowed(&query, field, &value)?;
            }
        }
        Ok(SearchRequest {
            query,
            from: self.from.map(TimeInput::Text),
            to: self.to.map(TimeInput::Text),
            now: self.now.map(TimeInput::Text),
            tz: self.tz,
            limit: self.limit,
            cursor: self.cursor,
            project_id: self.project_id,
            ..SearchRequest::default()
        })
    }
}

/// Several levels may be given with commas between them; a source or a host may have commas in its name.
fn narrowed(query: &str, field: &str, value: &str) -> Result<String, SearchError> {
    let field = field.to_owned();
    let term = if field == "level" && value.contains(',') {
        Term::AnyOf { field, values: value.split(',').map(|level| level.trim().to_owned()).collect() }
    } else {
        Term::Value { field, value: value.to_owned() }
    };
    edit(query, &Edit::Add { term, negated: false }).map_err(|diagnostic| plan::invalid(query, diagnostic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_of(address: AddressSearch) -> String {
        address.into_request().unwrap().query
    }

    #[test]
    fn narrowing_holds_for_the_whole_query() {
        let some = |text: &str| Some(text.to_owned());
        let address = AddressSearch {
            query: "a OR b | stats count()".into(),
            source: some("api"),
            ..Default::default()
        };
        assert_eq!(query_of(address), "(a OR b) source:api | stats count()");
        let address =
            AddressSearch { level: some("error,fatal"), host: some("web 1\" OR *"), ..Default::default() };
        let query = query_of(address);
        assert_eq!(query_lang::terms(&query).unwrap().len(), 2, "{query}");
    }

    #[test]
    fn a_broken_query_stays_the_error_that_it_is() {
        let address = AddressSearch { query: "(a".into(), source: Some("api".into()), ..Default::default() };
        assert!(matches!(address.into_request(), Err(SearchError::Query { .. })));
    }
}
