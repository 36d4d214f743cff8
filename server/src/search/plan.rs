//! Text to SQL for one tenant: the only way from a query to the log store.

use super::time_range::TimeRange;
use super::{SearchError, respond};
use crate::tenant::TenantScope;
use api_types::search::CheckAnswer;
use jiff::tz::TimeZone;
use query_lang::sql::{self, Compiled, EventKey, Request, Scope};
use query_lang::{Catalogue, CheckContext, Checked, Diagnostic, Parsed};
use uuid::Uuid;

/// A query that was checked for a project and a range, and can be compiled in several ways.
#[derive(Debug, Clone)]
pub struct Plan {
    source: String,
    checked: Checked,
    warnings: Vec<Diagnostic>,
    scope: Scope,
    range: TimeRange,
}

/// Which rows of an answer are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    pub limit: u64,
    pub offset: u64,
    pub after: Option<EventKey>,
}

impl Plan {
    /// # Errors
    /// 422 `query_invalid`: the query does not parse, or does not make sense.
    pub fn new(
        tenant: &TenantScope,
        project_id: Uuid,
        source: &str,
        range: TimeRange,
    ) -> Result<Self, SearchError> {
        let parsed = query_lang::parse(source).map_err(|diagnostic| invalid(source, diagnostic))?;
        Self::of_parsed(tenant, project_id, source, parsed, range)
    }

    /// For a tree that was changed after it was parsed; `source` is what its spans point into.
    ///
    /// # Errors
    /// As `new`.
    pub fn of_parsed(
        tenant: &TenantScope,
        project_id: Uuid,
        source: &str,
        parsed: Parsed,
        range: TimeRange,
    ) -> Result<Self, SearchError> {
        let invalid = |diagnostic| invalid(source, diagnostic);
        let Parsed { query, mut warnings } = parsed;
        let context = CheckContext {
            now_ns: range.now_ns,
            from_ns: range.from_ns,
            to_ns: range.to_ns,
            time_zone: range.zone.clone(),
        };
        let checked = query_lang::check(&query, &Catalogue::default(), &context).map_err(invalid)?;
        warnings.extend(checked.warnings.iter().cloned());
        let scope = scope_of(tenant, project_id);
        Ok(Self { source: source.to_owned(), checked, warnings, scope, range })
    }

    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The project that is searched.
    #[must_use]
    pub fn project_id(&self) -> &str {
        self.scope.project_ids.first().map(String::as_str).unwrap_or_default()
    }

    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    #[must_use]
    pub fn range(&self) -> &TimeRange {
        &self.range
    }

    /// The rows that the query says.
    ///
    /// # Errors
    /// `query_invalid` for what only shows when compiling, such as a limit of the language.
    pub fn rows(&self, page: Page) -> Result<Compiled, SearchError> {
        self.compiled(sql::compile(&self.checked.query, &self.scope, &self.request(page)))
    }

    /// How many events match.
    ///
    /// # Errors
    /// As `rows`.
    pub fn count(&self) -> Result<Compiled, SearchError> {
        self.compiled(sql::compile_count(&self.checked.query, &self.scope, &self.request(Page::default())))
    }

    /// The newest of the events behind the query's rows, at most `limit` and one more.
    ///
    /// # Errors
    /// As `rows`.
    pub fn samples(&self, limit: u64) -> Result<Compiled, SearchError> {
        let page = Page { limit, ..Page::default() };
        self.compiled(sql::compile_samples(&self.checked.query, &self.scope, &self.request(page)))
    }

    /// How many events match, by time and level.
    ///
    /// # Errors
    /// As `rows`.
    pub fn histogram(&self, interval_ns: i64) -> Result<Compiled, SearchError> {
        self.compiled(sql::compile_histogram(
            &self.checked.query,
            &self.scope,
            &self.request(Page::default()),
            interval_ns,
        ))
    }

    /// Which fields the matching events have.
    ///
    /// # Errors
    /// As `rows`.
    pub fn fields(&self) -> Result<Compiled, SearchError> {
        self.compiled(sql::compile_fields(&self.checked.query, &self.scope, &self.request(Page::default())))
    }

    /// The most frequent values of one field.
    ///
    /// # Errors
    /// As `rows`; also for a name that cannot be a field.
    pub fn field_values(&self, field: &str, prefix: &str, limit: u64) -> Result<Compiled, SearchError> {
        let page = Page { limit, ..Page::default() };
        self.compiled(sql::compile_field_values(
            &self.checked.query,
            &self.scope,
            &self.request(page),
            field,
            prefix,
        ))
    }

    fn request(&self, page: Page) -> Request {
        Request {
            from_ns: self.checked.from_ns,
            to_ns: self.checked.to_ns,
            now_ns: self.range.now_ns,
            tz: self.range.zone.clone(),
            limit: page.limit,
            offset: page.offset,
            after: page.after,
            tables: Vec::new(),
        }
    }

    fn compiled(&self, outcome: Result<Compiled, Diagnostic>) -> Result<Compiled, SearchError> {
        outcome.map_err(|diagnostic| invalid(&self.source, diagnostic))
    }
}

fn invalid(source: &str, diagnostic: Diagnostic) -> SearchError {
    SearchError::Query { source_text: source.to_owned(), diagnostic: Box::new(diagnostic) }
}

fn scope_of(tenant: &TenantScope, project_id: Uuid) -> Scope {
    Scope { organization_id: tenant.organization_id().to_string(), project_ids: vec![project_id.to_string()] }
}

/// The statement for one event of a project.
///
/// # Errors
/// None in practice: there is no text that could be wrong.
pub fn one_event(tenant: &TenantScope, project_id: Uuid, key: EventKey) -> Result<Compiled, SearchError> {
    Ok(sql::compile_event(&scope_of(tenant, project_id), key))
}

/// Everything that can be told of a query without running it.
#[must_use]
pub fn check_text(source: &str, now_ns: i64) -> CheckAnswer {
    let context = CheckContext {
        now_ns,
        from_ns: now_ns - 15 * 60 * 1_000_000_000,
        to_ns: now_ns,
        time_zone: TimeZone::UTC,
    };
    let checked = query_lang::parse(source).and_then(|parsed| {
        let checked = query_lang::check(&parsed.query, &Catalogue::default(), &context)?;
        Ok((parsed, checked))
    });
    match checked {
        Err(error) => CheckAnswer {
            valid: false,
            error: Some(respond::diagnostic(source, &error)),
            warnings: Vec::new(),
            normalized: None,
            stages: Vec::new(),
            fields: Vec::new(),
            explanation: None,
        },
        Ok((parsed, checked)) => CheckAnswer {
            valid: true,
            error: None,
            warnings: parsed
                .warnings
                .iter()
                .chain(&checked.warnings)
                .map(|each| respond::diagnostic(source, each))
                .collect(),
            normalized: Some(query_lang::format(&parsed.query)),
            stages: Vec::new(),
            fields: Vec::new(),
            explanation: Some(query_lang::explain(&parsed.query)),
        },
    }
}
