//! Text to tree: pest finds the structure, this module gives it meaning as far as the text alone decides it.
//!
//! Text that is not in the grammar never reaches pest: `walk` finds what is wrong first, with code and span. That is
//! also the guard against deep nesting, so the recursion here is bounded.

mod aggregate;
mod expression;
mod filter;
mod options;
mod pattern;
mod stage;
mod value;

use std::num::NonZeroUsize;

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};
use pest_derive::Parser;

use crate::ast::{Field, Name, Query};
use crate::walk::Walker;
use crate::{Code, Diagnostic, Span, limits, literal};

pub(crate) use aggregate::aggregate_named;

#[derive(Parser)]
#[grammar = "grammar.pest"]
struct Grammar;

/// A query as written, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub query: Query,
    pub warnings: Vec<Diagnostic>,
}

type Built<T> = Result<T, Diagnostic>;

/// Reads a query.
///
/// # Errors
/// The first thing that is wrong, by position. Names, levels, times and shapes are looked at by `check`.
pub fn parse(source: &str) -> Result<Parsed, Diagnostic> {
    within_size(source)?;
    let mut walker = Walker::new(source);
    walker.query();
    if let Some(error) = walker.error {
        return Err(*error);
    }
    pest::set_call_limit(NonZeroUsize::new(limits::PARSER_CALLS));
    let mut pairs = Grammar::parse(Rule::query, source).map_err(|error| unexplained(source, &error))?;
    let mut builder = Builder { source, warnings: Vec::new(), regexes: 0 };
    let query = match pairs.next() {
        Some(pair) => builder.query(pair.into_inner(), trimmed(source))?,
        None => Query { filter: None, stages: Vec::new(), span: Span::default() },
    };
    builder.warnings.sort_by_key(|warning| warning.span);
    Ok(Parsed { query, warnings: builder.warnings })
}

fn within_size(source: &str) -> Built<()> {
    if source.len() <= limits::SOURCE_BYTES {
        return Ok(());
    }
    let start = (0..=limits::SOURCE_BYTES).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let message = format!("a query has at most {} bytes", limits::SOURCE_BYTES);
    Err(Diagnostic::error(Code::E026, Span::new(start, source.len()), message)
        .hint("long lists can be written as in { subquery }"))
}

/// The grammar refused what the walker accepted.
fn unexplained(source: &str, error: &pest::error::Error<Rule>) -> Diagnostic {
    let at = match error.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
    };
    let length = source[at..].chars().next().map_or(0, char::len_utf8);
    Diagnostic::error(Code::E003, Span::new(at, at + length), "this is not expected here")
        .hint("quote the text")
}

/// Without the blanks around it.
fn trimmed(source: &str) -> Span {
    let start = source.len() - source.trim_start_matches(crate::lexical::is_blank).len();
    let end = source.trim_end_matches(crate::lexical::is_blank).len();
    Span::new(start, end.max(start))
}

struct Builder<'a> {
    source: &'a str,
    warnings: Vec<Diagnostic>,
    regexes: usize,
}

impl Builder<'_> {
    /// The inside of `query` or `subquery`.
    fn query(&mut self, pairs: Pairs<'_, Rule>, span: Span) -> Built<Query> {
        let mut query = Query { filter: None, stages: Vec::new(), span };
        for pair in pairs {
            match pair.as_rule() {
                Rule::filter => query.filter = Some(self.filter(pair)?),
                Rule::stage => query.stages.push(self.stage(pair)?),
                _ => {}
            }
        }
        Ok(query)
    }

    fn subquery(&mut self, pair: Pair<'_, Rule>) -> Built<Query> {
        let span = span_of(&pair);
        self.query(pair.into_inner(), span)
    }

    /// A field that is read; `pair` is `field`, `col`, or the name inside.
    fn field(&self, pair: &Pair<'_, Rule>) -> Built<Field> {
        let name = self.name(pair)?;
        Ok(Field::of_event(&name.text, name.span))
    }

    /// A name, without its backticks.
    fn name(&self, pair: &Pair<'_, Rule>) -> Built<Name> {
        let span = span_of(pair);
        let raw = span.text(self.source);
        let text = if raw.starts_with('`') { literal::unbacktick(raw) } else { raw.to_owned() };
        let refused = |code, message: String| Err(Diagnostic::error(code, span, message));
        if text.len() > limits::PATH_BYTES {
            return refused(Code::E026, format!("a name has at most {} bytes", limits::PATH_BYTES));
        }
        if text.split('.').count() > limits::PATH_SEGMENTS {
            return refused(Code::E026, format!("a path has at most {} parts", limits::PATH_SEGMENTS));
        }
        if text.contains(char::is_control) {
            return refused(Code::E003, "control characters are not allowed in names".to_owned());
        }
        Ok(Name { text, span })
    }

    fn warn(&mut self, warning: Diagnostic) {
        self.warnings.push(warning);
    }
}

fn span_of(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// The grammar promises this pair; it being absent is a mistake of ours that becomes an error, not a panic.
fn expected<T>(pair: Option<T>, span: Span) -> Built<T> {
    pair.ok_or_else(|| Diagnostic::error(Code::E003, span, "this is not expected here"))
}
