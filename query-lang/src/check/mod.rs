//! Names, levels, times, units, types and shapes: a tree becomes one that can be run. See `ast` for what is promised.

mod aggregate;
mod expression;
mod function;
mod predicate;
mod scope;
mod stage;
mod table;
mod time;
mod unit;

use jiff::tz::TimeZone;

use crate::ast::{Core, Field, Filter, FilterNode, Meaning, Query, Shape, TextMatch};
use crate::{Catalogue, Code, Diagnostic, Span, suggest};
use scope::Scope;

pub(crate) use stage::name_of;

/// The circumstances of a query: they belong to its meaning.
#[derive(Clone, Debug)]
pub struct CheckContext {
    /// What `now` means, in nanoseconds since 1970.
    pub now_ns: i64,
    /// The request's time range, `[from, to)`.
    pub from_ns: i64,
    pub to_ns: i64,
    /// For literals without an offset, days and bins.
    pub time_zone: TimeZone,
}

/// A query that can be compiled and evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub query: Query,
    /// The request's range cut by the time terms that are ANDed at the top of the filter. Those terms stay in the
    /// tree. Empty (`from_ns == to_ns`) when they exclude each other.
    pub from_ns: i64,
    pub to_ns: i64,
    /// Every field of events that the query reads, as typed, in the order of the text.
    pub fields: Vec<String>,
    pub warnings: Vec<Diagnostic>,
}

/// Resolves everything that the text alone does not say.
///
/// # Errors
/// The first thing that cannot be, in the order of the pipe.
pub fn check(query: &Query, catalogue: &Catalogue, context: &CheckContext) -> Result<Checked, Diagnostic> {
    let mut checker =
        Checker { catalogue, context, warnings: Vec::new(), fields: Vec::new(), trail: Trail::default() };
    let mut query = query.clone();
    checker.query(&mut query)?;
    let (from_ns, to_ns) = checker.time_range(query.filter.as_ref());
    checker.warnings.sort_by_key(|warning| warning.span);
    Ok(Checked { query, from_ns, to_ns, fields: checker.fields, warnings: checker.warnings })
}

type Check<T = ()> = Result<T, Diagnostic>;

struct Checker<'a> {
    catalogue: &'a Catalogue,
    context: &'a CheckContext,
    warnings: Vec<Diagnostic>,
    fields: Vec<String>,
    trail: Trail,
}

/// What the stages of one pipe have used so far, so that `unpack` knows what to read.
#[derive(Default)]
struct Trail {
    stage: usize,
    /// Attribute paths, and the stage that used them.
    paths: Vec<(usize, String)>,
    /// Stages that look at every attribute.
    everything: Vec<usize>,
    sampled: bool,
}

impl Checker<'_> {
    /// One pipe: the query, or a subquery.
    fn query(&mut self, query: &mut Query) -> Check<Shape> {
        let outer = std::mem::take(&mut self.trail);
        let mut scope = Scope::default();
        if let Some(filter) = &mut query.filter {
            self.filter(filter, &scope)?;
        }
        self.stages(&mut query.stages, &mut scope)?;
        self.trail = outer;
        Ok(scope.shape())
    }

    fn filter(&mut self, filter: &mut Filter, scope: &Scope) -> Check {
        match &mut filter.node {
            FilterNode::All => Ok(()),
            FilterNode::And(terms) | FilterNode::Or(terms) => {
                terms.iter_mut().try_for_each(|term| self.filter(term, scope))
            }
            FilterNode::Not(inner) => self.filter(inner, scope),
            FilterNode::Text(text) => self.free_text(text, scope),
            FilterNode::AnyText(text) => {
                self.trail.everything.push(self.trail.stage);
                self.slow_wildcard(text);
                Ok(())
            }
            FilterNode::Predicate(predicate) => self.predicate(predicate, scope),
        }
    }

    /// Free words are looked for in `message`, which a table may not have.
    fn free_text(&mut self, text: &TextMatch, scope: &Scope) -> Check {
        self.slow_wildcard(text);
        let has_message = scope.resolve(&Field::of_event(Core::Message.name(), text.span)).is_some();
        if has_message {
            self.reads(Core::Message.name());
            return Ok(());
        }
        Err(Diagnostic::error(
            Code::E020,
            text.span,
            "free words need a message column, and there is none here",
        )
        .hint(format!("name a column: {}", scope.column_list())))
    }

    /// W009: patterns that no index can answer.
    fn slow_wildcard(&mut self, text: &TextMatch) {
        use crate::ast::{GlobPart, TextKind};
        let TextKind::Wildcard(glob) = &text.kind else { return };
        let runs = glob.parts.iter().filter_map(|part| match part {
            GlobPart::Text(text) => crate::literal::words(text).map(|word| word.chars().count()).max(),
            _ => None,
        });
        if runs.max().unwrap_or(0) < 4 {
            self.warnings.push(
                Diagnostic::warning(
                    Code::W009,
                    text.span,
                    format!("'{}' is too short for the index", text.text),
                )
                .hint("every message of the time range is read; four letters or more are fast"),
            );
        }
    }

    /// Fills in what a name means here.
    fn field(&mut self, field: &mut Field, scope: &Scope) -> Check {
        let Some((target, kind)) = scope.resolve(field) else {
            return Err(unknown_column(field, scope));
        };
        if let crate::ast::Target::Attribute(path) = &target {
            self.trail.paths.push((self.trail.stage, path.clone()));
        }
        if matches!(target, crate::ast::Target::Core(_) | crate::ast::Target::Attribute(_)) {
            self.reads(&field.path);
        }
        (field.target, field.kind) = (target, kind);
        Ok(())
    }

    fn reads(&mut self, field: &str) {
        if !self.fields.iter().any(|known| known == field) {
            self.fields.push(field.to_owned());
        }
    }

    /// W005: a field that was never seen, in a place where it decides something.
    fn never_seen(&mut self, field: &Field, value: Option<&str>) {
        let crate::ast::Target::Attribute(path) = &field.target else { return };
        if self.catalogue.fields.is_empty()
            || self.catalogue.has_path(path)
            || self.catalogue.has_path(&field.path)
        {
            return;
        }
        let name = &field.path;
        let mut warning =
            Diagnostic::warning(Code::W005, field.span, format!("no recent event has a field '{name}'"));
        let known = self.catalogue.fields.iter().map(|known| known.path.as_str());
        if let Some(near) = suggest::nearest(name, known) {
            let fixed = crate::quote::filter_field(near);
            warning =
                warning.hint(format!("did you mean {near}?")).fix(format!("use {near}"), field.span, fixed);
        } else if let Some(value) = value {
            let text = crate::quote::string(&format!("{name}:{value}"));
            warning = warning.hint(format!("to search for the text, write {text}"));
        }
        self.warnings.push(warning);
    }

    /// The request's range, cut by time terms that must hold for every match.
    fn time_range(&mut self, filter: Option<&Filter>) -> (i64, i64) {
        let (mut from, mut to) = (self.context.from_ns, self.context.to_ns);
        for term in filter.into_iter().flat_map(required_terms) {
            let FilterNode::Predicate(predicate) = &term.node else { continue };
            let Some(Meaning::Time(span)) = predicate.meaning.as_ref().filter(|_| !predicate.negated) else {
                continue;
            };
            let was_open = from < to;
            from = span.from_ns.map_or(from, |start| from.max(start));
            to = span.to_ns.map_or(to, |end| to.min(end));
            if was_open && from >= to {
                self.warnings.push(
                    Diagnostic::warning(
                        Code::W008,
                        term.span,
                        "this time lies outside the time range of the search",
                    )
                    .hint("widen the time range, or change the term"),
                );
            }
        }
        (from, to.max(from))
    }
}

/// The terms that are ANDed at the top.
fn required_terms(filter: &Filter) -> &[Filter] {
    match &filter.node {
        FilterNode::And(terms) => terms,
        _ => std::slice::from_ref(filter),
    }
}

fn unknown_column(field: &Field, scope: &Scope) -> Diagnostic {
    let name = &field.path;
    let columns = scope.column_list();
    let error = Diagnostic::error(Code::E020, field.span, format!("there is no column '{name}' here"));
    match suggest::nearest(name, scope.column_names()) {
        Some(near) => error.hint(format!("did you mean {near}? columns: {columns}")).fix(
            format!("use {near}"),
            field.span,
            crate::quote::column(near),
        ),
        None => error.hint(format!("columns: {columns}")),
    }
}

/// E019, at the second of two columns with one name.
fn duplicate(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::E019, span, format!("two columns are named '{name}'"))
        .hint("rename one with: as name")
}
