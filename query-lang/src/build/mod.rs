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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CORPUS: &str = include_str!("../../tests/cases/cases.json");

    fn corpus() -> Vec<String> {
        let cases: Vec<serde_json::Value> = serde_json::from_str(CORPUS).expect("well formed");
        cases.iter().filter_map(|case| case["query"].as_str().map(str::to_owned)).collect()
    }

    /// A query of the corpus after a few slips of the keyboard.
    fn slips() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            5 => prop::sample::select(vec![
                " ", "(", ")", "{", "}", "[", "]", "|", "\"", "'", "`", ",", ":", "=", "!", "~", "<", ">", "-", "*", "?", "\\",
                "//", "/", ".", "in", " in ", " and ", " OR ", "not ", " NOT ", "as", " by ", "where ", "5", "M", "1.5s", "x", "_",
                "é", "\n", "&&", "||", "=>", "$", "@", "“", " to ", "%", "+", "true", "count()", "bin(5m)", "limit=3",
            ]).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        let slip = (any::<prop::sample::Index>(), 0_usize..4, piece);
        (prop::sample::select(corpus()), prop::collection::vec(slip, 1..4)).prop_map(|(mut text, slips)| {
            for (at, removed, inserted) in slips {
                let borders: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
                let first = at.index(borders.len());
                let last = (first + removed).min(borders.len() - 1);
                text.replace_range(borders[first]..borders[last], &inserted);
            }
            text
        })
    }

    /// What the walker refuses and the grammar has no word for.
    const BEYOND_THE_GRAMMAR: [Code; 7] =
        [Code::E006, Code::E013, Code::E017, Code::E022, Code::E026, Code::E028, Code::E021];

    fn agree(text: &str) -> Result<(), String> {
        let mut walker = Walker::new(text);
        walker.query();
        let grammar = Grammar::parse(Rule::query, text);
        match (walker.error, grammar) {
            (None, Err(error)) => Err(format!("only the walker accepts {text:?}: {error}")),
            (Some(error), Ok(_)) if !BEYOND_THE_GRAMMAR.contains(&error.code) => {
                Err(format!("only the grammar accepts {text:?}: {error} at {:?}", error.span))
            }
            _ => Ok(()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_walker_and_the_grammar_accept_the_same_texts(text in slips()) {
            prop_assert_eq!(agree(&text), Ok(()));
        }

        #[test]
        fn no_text_makes_anything_panic(text in "\\PC{0,60}|(?s).{0,60}") {
            let _ = parse(&text);
            let covered: usize = crate::tokens(&text).iter().map(|token| token.end - token.start).sum();
            prop_assert_eq!(covered, text.len());
        }
    }
}
