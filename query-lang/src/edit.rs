//! A click becomes a change of the query's text: a value is included or excluded, a term removed or turned round.
//!
//! Everything is quoted as it has to be, an OR keeps its meaning when something is added to it, and the text of the
//! terms that stay is left as it was typed. What comes out always parses.

use serde::{Deserialize, Serialize};

use crate::ast::{Filter, FilterNode, LiteralClass, Query};
use crate::format::filter_text;
use crate::{Code, Diagnostic, Span, literal, parse, quote};

/// Something that events are asked for, as a click says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Term {
    /// The field has this value.
    Value { field: String, value: String },
    /// The field has one of these values.
    AnyOf { field: String, values: Vec<String> },
    /// The field is present.
    Present { field: String },
    /// The field's number lies between the two, ends included; `None` is open.
    Between { field: String, low: Option<f64>, high: Option<f64> },
    /// These words, side by side, in the message.
    Text { text: String },
}

/// A change of the query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Edit {
    /// One more condition. The same term is not added twice; its opposite is replaced.
    Add {
        term: Term,
        #[serde(default)]
        negated: bool,
    },
    /// Nothing but this condition; stages stay.
    Only {
        term: Term,
        #[serde(default)]
        negated: bool,
    },
    /// One more condition, as a person wrote it.
    AddText { text: String },
    /// Puts a condition that a person wrote in the place of the term with this number in [`terms`].
    Replace { index: usize, text: String },
    /// Takes away the term with this number in [`terms`].
    Remove { index: usize },
    /// Includes what was excluded, and the other way round.
    Negate { index: usize },
    /// One more stage at the end, without its `|`.
    AddStage { stage: String },
}

/// One of the conditions that are ANDed at the top of the filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermView {
    /// In canonical form.
    pub text: String,
    pub negated: bool,
    /// The field it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    pub span: Span,
}

/// The conditions of the filter that can be taken away one by one.
///
/// # Errors
/// When the query does not parse.
pub fn terms(source: &str) -> Result<Vec<TermView>, Diagnostic> {
    let parsed = parse(source)?;
    Ok(top_terms(&parsed.query).into_iter().map(view).collect())
}

/// Changes the text of a query.
///
/// # Errors
/// When the query does not parse before or after the change, or there is no such term.
pub fn edit(source: &str, change: &Edit) -> Result<String, Diagnostic> {
    let query = parse(source)?.query;
    let edited = match change {
        Edit::Add { term, negated } => add(source, &query, term, *negated),
        Edit::Only { term, negated } => with_filter(source, &query, &term_text(term, *negated)),
        Edit::AddText { text } => {
            let mut texts = texts_of_terms(source, &query);
            texts.push(as_term(text)?);
            with_filter(source, &query, &texts.join(" "))
        }
        Edit::Replace { index, text } => {
            let mut texts = texts_of_terms(source, &query);
            existing(*index, texts.len())?;
            texts[*index] = as_term(text)?;
            with_filter(source, &query, &texts.join(" "))
        }
        Edit::Remove { index } => {
            let mut texts = texts_of_terms(source, &query);
            existing(*index, texts.len())?;
            texts.remove(*index);
            with_filter(source, &query, &texts.join(" "))
        }
        Edit::Negate { index } => {
            let mut texts = texts_of_terms(source, &query);
            existing(*index, texts.len())?;
            if let Some(term) = top_terms(&query).get(*index) {
                texts[*index] = turned(term);
            }
            with_filter(source, &query, &texts.join(" "))
        }
        Edit::AddStage { stage } => {
            format!("{} | {stage}", source.trim_end_matches(crate::lexical::is_blank))
        }
    };
    parse(&edited)?;
    Ok(edited)
}

/// A condition in canonical form, kept together when others stand beside it.
fn as_term(text: &str) -> Result<String, Diagnostic> {
    let query = parse(text)?.query;
    let whole = Span { start: 0, end: text.len() };
    if !query.stages.is_empty() {
        return Err(Diagnostic::error(Code::E025, whole, "a condition has no stages"));
    }
    let Some(filter) = query.filter else {
        return Err(Diagnostic::error(Code::E004, whole, "a condition is missing"));
    };
    let canonical = filter_text(&filter);
    Ok(if matches!(filter.node, FilterNode::Or(_)) { format!("({canonical})") } else { canonical })
}

fn existing(index: usize, count: usize) -> Result<(), Diagnostic> {
    match index < count {
        true => Ok(()),
        false => Err(Diagnostic::error(
            Code::E004,
            Span::default(),
            format!("the filter has no term {}", index + 1),
        )),
    }
}

fn add(source: &str, query: &Query, term: &Term, negated: bool) -> String {
    let wanted = term_text(term, negated);
    let opposite = term_text(term, !negated);
    let terms = top_terms(query);
    let canonical = |text: &str| {
        parse(text).ok().and_then(|parsed| parsed.query.filter).map(|filter| filter_text(&filter))
    };
    let (same, other) = (canonical(&wanted), canonical(&opposite));
    if terms.iter().any(|term| Some(filter_text(term)) == same) {
        return source.to_owned();
    }
    if let Some(index) = terms.iter().position(|term| Some(filter_text(term)) == other) {
        let mut texts = texts_of_terms(source, query);
        texts[index] = wanted;
        return with_filter(source, query, &texts.join(" "));
    }
    let Some(filter) = query.filter.as_ref().filter(|filter| filter.node != FilterNode::All) else {
        return with_filter(source, query, &wanted);
    };
    let typed = filter.span.text(source);
    let alone = matches!(filter.node, FilterNode::Or(_)) && !is_grouped(typed);
    let before = if alone { format!("({typed})") } else { typed.to_owned() };
    with_filter(source, query, &format!("{before} {wanted}"))
}

/// An OR that keeps together when something is written behind it.
fn is_grouped(text: &str) -> bool {
    let followed = parse(&format!("{text} x"));
    followed
        .is_ok_and(|parsed| matches!(parsed.query.filter.map(|filter| filter.node), Some(FilterNode::And(_))))
}

/// The query with another filter; stages and what is written around them stay.
fn with_filter(source: &str, query: &Query, filter: &str) -> String {
    match &query.filter {
        Some(old) => {
            let text = format!("{}{filter}{}", &source[..old.span.start], &source[old.span.end..]);
            if filter.is_empty() {
                text.trim_start_matches(crate::lexical::is_blank).to_owned()
            } else {
                text
            }
        }
        None => {
            let start =
                query.stages.first().map_or(source.len(), |_| source.find('|').unwrap_or(source.len()));
            let (before, after) = source.split_at(start);
            let comment = before.contains("//") && !before.ends_with('\n');
            let joint = if comment { "\n" } else { "" };
            let blank = if after.is_empty() { "" } else { " " };
            format!("{before}{joint}{filter}{blank}{after}")
        }
    }
}

fn top_terms(query: &Query) -> Vec<&Filter> {
    match query.filter.as_ref().map(|filter| (&filter.node, filter)) {
        None | Some((FilterNode::All, _)) => Vec::new(),
        Some((FilterNode::And(terms), _)) => terms.iter().collect(),
        Some((_, filter)) => vec![filter],
    }
}

/// The terms as they were typed, or in canonical form where they are only part of a value group.
fn texts_of_terms(source: &str, query: &Query) -> Vec<String> {
    let text = |term: &&Filter| {
        let canonical = filter_text(term);
        let typed = term.span.text(source);
        let typed = if matches!(term.node, FilterNode::Or(_)) && !is_grouped(typed) {
            format!("({typed})")
        } else {
            typed.to_owned()
        };
        let same = parse(&typed)
            .ok()
            .and_then(|parsed| parsed.query.filter)
            .is_some_and(|filter| filter_text(&filter) == canonical);
        match (same, &term.node) {
            (true, _) => typed,
            (false, FilterNode::Or(_)) => format!("({canonical})"),
            (false, _) => canonical,
        }
    };
    top_terms(query).iter().map(text).collect()
}

/// The opposite of a term, in canonical form.
fn turned(term: &Filter) -> String {
    let turned = match &term.node {
        FilterNode::Not(inner) => (**inner).clone(),
        FilterNode::Predicate(predicate) if predicate.negated => {
            let mut positive = predicate.clone();
            positive.negated = false;
            Filter { node: FilterNode::Predicate(positive), span: term.span }
        }
        _ => Filter { node: FilterNode::Not(Box::new(term.clone())), span: term.span },
    };
    match turned.node {
        FilterNode::Or(_) => format!("({})", filter_text(&turned)),
        _ => filter_text(&turned),
    }
}

fn view(term: &Filter) -> TermView {
    let (negated, inner) = match &term.node {
        FilterNode::Not(inner) => (true, &**inner),
        _ => (false, term),
    };
    let (negated, field) = match &inner.node {
        FilterNode::Predicate(predicate) => {
            (negated != predicate.negated, Some(predicate.field.path.clone()))
        }
        _ => (negated, None),
    };
    TermView { text: filter_text(term), negated, field, span: term.span }
}

/// A term as it is typed.
fn term_text(term: &Term, negated: bool) -> String {
    let text = match term {
        // message:"" finds nothing by its definition; an empty message is an absent one
        Term::Value { field, value } if value.is_empty() && quote::filter_field(field) == "message" => {
            return if negated { "message:*".to_owned() } else { "-message:*".to_owned() };
        }
        Term::Value { field, value } => format!("{}:{}", quote::filter_field(field), value_text(value)),
        Term::AnyOf { field, values } => match values.as_slice() {
            [only] => return term_text(&Term::Value { field: field.clone(), value: only.clone() }, negated),
            values => {
                let values: Vec<String> = values.iter().map(|value| value_text(value)).collect();
                format!("{}:({})", quote::filter_field(field), values.join(" OR "))
            }
        },
        Term::Present { field } => format!("{}:*", quote::filter_field(field)),
        Term::Between { field, low, high } => {
            let end = |end: &Option<f64>| {
                end.filter(|end| end.is_finite()).map_or("*".to_owned(), literal::canonical)
            };
            format!("{}:[{} TO {}]", quote::filter_field(field), end(low), end(high))
        }
        Term::Text { text } => quote::string(text),
    };
    if negated { format!("-{text}") } else { text }
}

/// A value behind `:`: plain numbers and booleans stay bare, what would be read as something else is quoted.
fn value_text(value: &str) -> String {
    let plain = match literal::classify(value) {
        LiteralClass::Number(number) => number.canonical == value && !value.starts_with('-'),
        LiteralClass::Bool(_) => true,
        _ => false,
    };
    if plain { value.to_owned() } else { quote::value(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(source: &str, field: &str, value: &str, negated: bool) -> String {
        let term = Term::Value { field: field.to_owned(), value: value.to_owned() };
        edit(source, &Edit::Add { term, negated }).expect(source)
    }

    #[test]
    fn a_clicked_value_is_added_and_quoted_as_it_must_be() {
        assert_eq!(add("", "source", "api", false), "source:api");
        assert_eq!(add("*", "source", "api", true), "-source:api");
        assert_eq!(add("timeout", "http.status", "500", false), "timeout http.status:500");
        assert_eq!(add("timeout", "weird key", "a b*", false), "timeout `weird key`:\"a b*\"");
        assert_eq!(
            add("x | stats count() by source", "source", "api", false),
            "x source:api | stats count() by source"
        );
        assert_eq!(add("| stats count()", "zip", "007", false), "zip:\"007\" | stats count()");
        assert_eq!(add("// note", "source", "1.5s", false), "// note\nsource:\"1.5s\"");
        assert_eq!(add("", "message", "", false), "-message:*");
    }

    #[test]
    fn an_or_keeps_its_meaning() {
        assert_eq!(add("a OR b", "source", "api", false), "(a OR b) source:api");
        assert_eq!(add("(a OR b)", "source", "api", false), "(a OR b) source:api");
        assert_eq!(add("(a) OR (b)", "source", "api", true), "((a) OR (b)) -source:api");
        assert_eq!(add("level:(warn OR error)", "source", "api", false), "level:(warn OR error) source:api");
    }

    #[test]
    fn the_same_term_is_not_added_twice_and_the_opposite_is_replaced() {
        assert_eq!(add("source:\"api\" x", "source", "api", false), "source:\"api\" x source:api");
        assert_eq!(add("source:api x", "source", "api", false), "source:api x");
        assert_eq!(add("x NOT source:api", "source", "api", false), "x source:api");
        assert_eq!(add("source:api x", "source", "api", true), "-source:api x");
    }

    #[test]
    fn terms_can_be_removed_and_turned_round() {
        let change = |source: &str, change: Edit| edit(source, &change).expect(source);
        assert_eq!(change("a AND b AND c", Edit::Remove { index: 1 }), "a c");
        assert_eq!(change("a | limit 5", Edit::Remove { index: 0 }), "| limit 5");
        assert_eq!(change("(a OR b) c", Edit::Remove { index: 1 }), "(a OR b)");
        assert_eq!(change("http.status:(>=500 -503) c", Edit::Remove { index: 0 }), "-http.status:503 c");
        assert_eq!(change("a -b", Edit::Negate { index: 1 }), "a b");
        assert_eq!(change("x (a OR b)", Edit::Negate { index: 1 }), "x -(a OR b)");
        assert_eq!(change("f!=1 x", Edit::Negate { index: 0 }), "f=1 x");
        assert!(edit("a", &Edit::Remove { index: 1 }).is_err());
    }

    #[test]
    fn only_replaces_the_filter_and_keeps_the_stages() {
        let term = Term::Between { field: "duration_ms".into(), low: Some(10.0), high: None };
        let change = Edit::Only { term, negated: false };
        assert_eq!(
            edit("a OR b | stats count()", &change).expect("valid"),
            "duration_ms:[10 TO *] | stats count()"
        );
    }

    #[test]
    fn written_conditions_stay_together() {
        let change = |source: &str, change: Edit| edit(source, &change).expect(source);
        let text = |text: &str| text.to_owned();
        assert_eq!(change("x | limit 5", Edit::AddText { text: text("a OR b") }), "x (a OR b) | limit 5");
        assert_eq!(change("*", Edit::AddText { text: text("source:api // why") }), "source:api");
        assert_eq!(change("a b", Edit::Replace { index: 0, text: text("level>=warn") }), "level>=warn b");
        assert!(edit("a", &Edit::AddText { text: text("b | limit 1") }).is_err());
        assert!(edit("a", &Edit::AddText { text: text(" ") }).is_err());
        assert!(edit("a", &Edit::Replace { index: 1, text: text("b") }).is_err());
    }

    #[test]
    fn pills_say_what_they_are_about() {
        let views = terms("error -source:api host!=web").expect("valid");
        let said: Vec<_> =
            views.iter().map(|view| (view.text.as_str(), view.negated, view.field.as_deref())).collect();
        assert_eq!(
            said,
            [
                ("error", false, None),
                ("-source:api", true, Some("source")),
                ("host!=web", true, Some("host"))
            ]
        );
    }
}
