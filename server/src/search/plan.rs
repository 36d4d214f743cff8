//! Text to SQL for one tenant and what the caller may see of it: the only way from a query to the log store.

use super::SearchError;
use super::time_range::TimeRange;
use crate::sight::{BrokenRule, Sight};
use crate::time::now_us;
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
    /// - 422 `query_invalid`: the query does not parse, or does not make sense.
    /// - 403 `row_rule_broken`: the caller may see nothing.
    pub fn new(sight: &Sight, project_id: Uuid, source: &str, range: TimeRange) -> Result<Self, SearchError> {
        Self::with_catalogue(sight, project_id, source, range, &Catalogue::default())
    }

    /// The same with warnings about fields that the catalogue does not have.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_catalogue(
        sight: &Sight,
        project_id: Uuid,
        source: &str,
        range: TimeRange,
        catalogue: &Catalogue,
    ) -> Result<Self, SearchError> {
        let parsed = query_lang::parse(source).map_err(|diagnostic| invalid(source, diagnostic))?;
        Self::checked_by(sight, project_id, source, parsed, range, catalogue)
    }

    /// For a tree that was changed after it was parsed; `source` is what its spans point into.
    ///
    /// # Errors
    /// As `new`.
    pub fn of_parsed(
        sight: &Sight,
        project_id: Uuid,
        source: &str,
        parsed: Parsed,
        range: TimeRange,
    ) -> Result<Self, SearchError> {
        Self::checked_by(sight, project_id, source, parsed, range, &Catalogue::default())
    }

    fn checked_by(
        sight: &Sight,
        project_id: Uuid,
        source: &str,
        parsed: Parsed,
        range: TimeRange,
        catalogue: &Catalogue,
    ) -> Result<Self, SearchError> {
        let invalid = |diagnostic| invalid(source, diagnostic);
        let Parsed { query, mut warnings } = parsed;
        let context = CheckContext {
            now_ns: range.now_ns,
            from_ns: range.from_ns,
            to_ns: range.to_ns,
            time_zone: range.zone.clone(),
        };
        let checked = query_lang::check(&query, catalogue, &context).map_err(invalid)?;
        warnings.extend(checked.warnings.iter().cloned());
        let scope = scope_of(sight, project_id, range.now_ns)?;
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

    /// The same rows of the time from `from_ns` on.
    ///
    /// # Errors
    /// As `rows`.
    pub fn rows_since(&self, page: Page, from_ns: i64) -> Result<Compiled, SearchError> {
        let request = self.request(page);
        let request = Request { from_ns: request.from_ns.max(from_ns), ..request };
        self.compiled(sql::compile(&self.checked.query, &self.scope, &request))
    }

    /// How many rows the query gives.
    ///
    /// # Errors
    /// As `rows`.
    pub fn count(&self) -> Result<Compiled, SearchError> {
        self.compiled(sql::compile_count(&self.checked.query, &self.scope, &self.request(Page::default())))
    }

    /// How many events of the whole range each term of the filter lets through, and all but that term.
    ///
    /// # Errors
    /// As `rows`.
    pub fn term_counts(&self) -> Result<Compiled, SearchError> {
        let request =
            Request { from_ns: self.range.from_ns, to_ns: self.range.to_ns, ..self.request(Page::default()) };
        self.compiled(sql::compile_term_counts(&self.checked.query, &self.scope, &request))
    }

    /// The shapes of the matching messages.
    ///
    /// # Errors
    /// As `rows`.
    pub fn patterns(&self, interval_ns: i64, limit: u64) -> Result<Compiled, SearchError> {
        let request = self.request(Page { limit, ..Page::default() });
        self.compiled(sql::compile_patterns(&self.checked.query, &self.scope, &request, interval_ns))
    }

    /// The same query over another time, `[from, to)`. Its own time terms still hold.
    #[must_use]
    pub fn over(&self, from_ns: i64, to_ns: i64) -> Self {
        let mut other = self.clone();
        (other.range.from_ns, other.range.to_ns) = (from_ns, to_ns);
        (other.checked.from_ns, other.checked.to_ns) = (from_ns, to_ns);
        other
    }

    /// Every event of the same project and range.
    #[must_use]
    pub fn of_everything(&self) -> Self {
        let mut other = self.over(self.range.from_ns, self.range.to_ns);
        other.checked.query.filter = None;
        other.checked.query.stages.clear();
        other
    }

    /// Its filter alone.
    #[must_use]
    pub fn filter_only(&self) -> Self {
        let mut other = self.clone();
        other.checked.query.stages.clear();
        other
    }

    /// Whether a row rule hides events from who asks.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !self.scope.rules.is_empty()
    }

    #[must_use]
    pub(super) fn scope(&self) -> &Scope {
        &self.scope
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

    pub(super) fn request(&self, page: Page) -> Request {
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

    pub(super) fn compiled(&self, outcome: Result<Compiled, Diagnostic>) -> Result<Compiled, SearchError> {
        outcome.map_err(|diagnostic| invalid(&self.source, diagnostic))
    }
}

pub(super) fn invalid(source: &str, diagnostic: Diagnostic) -> SearchError {
    SearchError::Query { source_text: source.to_owned(), diagnostic: Box::new(diagnostic) }
}

/// Everything that a statement is narrowed to.
///
/// # Errors
/// The caller's row rule does not compile any more.
pub(super) fn scope_of(sight: &Sight, project_id: Uuid, now_ns: i64) -> Result<Scope, BrokenRule> {
    Ok(Scope {
        organization_id: sight.tenant().organization_id().to_string(),
        project_ids: vec![project_id.to_string()],
        rules: sight.filters(now_ns)?,
    })
}

/// The statement for one event of a project.
///
/// # Errors
/// The caller's row rule does not compile any more.
pub fn one_event(sight: &Sight, project_id: Uuid, key: EventKey) -> Result<Compiled, SearchError> {
    Ok(sql::compile_event(&scope_of(sight, project_id, now_us() * 1000)?, key))
}
