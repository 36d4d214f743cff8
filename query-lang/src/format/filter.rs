//! Filters as text.

use super::{list, literal, subquery};
use crate::ast::{Bound, Field, Filter, FilterNode, Literal, Predicate, Presence, Spelling, Test, TextMatch};
use crate::quote;

pub(crate) fn filter(filter: &Filter) -> String {
    match &filter.node {
        FilterNode::All => "*".to_owned(),
        FilterNode::And(terms) => conjunction(terms, " "),
        FilterNode::Or(terms) => alternatives(terms).join(" OR "),
        FilterNode::Not(inner) => match inner.node {
            FilterNode::And(_) | FilterNode::Or(_) | FilterNode::Not(_) => {
                format!("-({})", self::filter(inner))
            }
            _ => format!("-{}", self::filter(inner)),
        },
        // a pattern such as `//x*` would be a comment behind a blank
        FilterNode::Text(text) if !text.quoted && text.text.starts_with("//") => format!("({})", text.text),
        FilterNode::Text(text) => text_match(text),
        FilterNode::AnyText(text) => format!("*:{}", text_match(text)),
        FilterNode::Predicate(predicate) => {
            self::predicate(predicate, &quote::filter_field(&predicate.field.path))
        }
    }
}

/// Terms side by side. Inside an OR they are joined by a written AND, which nobody misreads.
fn conjunction(terms: &[Filter], and: &str) -> String {
    let mut text = String::new();
    let mut before_group = "";
    for term in terms {
        let next = match &term.node {
            FilterNode::Or(_) => in_parentheses(term),
            _ => filter(term),
        };
        if !text.is_empty() {
            // `x in (a OR b)` would read as a list
            let reads_as_list = before_group == "in" && next.starts_with('(');
            text.push_str(if reads_as_list { " AND " } else { and });
        }
        text.push_str(&next);
        before_group = if next.eq_ignore_ascii_case("in") { "in" } else { "" };
    }
    text
}

/// An OR in parentheses, unless it is written as one group of values.
fn in_parentheses(term: &Filter) -> String {
    let FilterNode::Or(terms) = &term.node else { return filter(term) };
    match alternatives(terms).as_slice() {
        [group] => group.clone(),
        texts => format!("({})", texts.join(" OR ")),
    }
}

/// The sides of an OR; neighbours that differ only in the value become `field:(a OR b)`.
fn alternatives(terms: &[Filter]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = terms;
    while let Some((first, behind)) = rest.split_first() {
        let same = group_value(first).map_or(0, |(field, _)| {
            behind
                .iter()
                .take_while(|term| group_value(term).is_some_and(|(other, _)| other.path == field.path))
                .count()
        });
        if let Some((field, _)) = group_value(first).filter(|_| same > 0) {
            let values: Vec<String> =
                rest[..=same].iter().filter_map(group_value).map(|(_, value)| value).collect();
            texts.push(format!("{}:({})", quote::filter_field(&field.path), values.join(" OR ")));
        } else {
            texts.push(match &first.node {
                FilterNode::And(terms) => conjunction(terms, " AND "),
                _ => filter(first),
            });
        }
        rest = &behind[same..];
    }
    texts
}

/// The value of a plain `field:value`, if it may stand in a group.
fn group_value(term: &Filter) -> Option<(&Field, String)> {
    let FilterNode::Predicate(predicate) = &term.node else { return None };
    let value = match &predicate.test {
        Test::Equals { value, spelling: Spelling::Colon } => literal(value),
        Test::Glob { text, .. } => text.clone(),
        _ => return None,
    };
    let misread = value.starts_with(['-', '!'])
        || value.starts_with("//")
        || ["and", "or", "not"].iter().any(|word| value.eq_ignore_ascii_case(word));
    (!misread && !predicate.negated).then_some((&predicate.field, value))
}

fn text_match(text: &TextMatch) -> String {
    if text.quoted { quote::string(&text.text) } else { text.text.clone() }
}

/// A predicate, its field already written.
pub(super) fn predicate(predicate: &Predicate, field: &str) -> String {
    let not = if predicate.negated { "not " } else { "" };
    match &predicate.test {
        Test::Equals { value, spelling: Spelling::Colon } => colon(field, &literal(value)),
        Test::Equals { value, spelling: Spelling::Equals } => {
            format!("{field}{}{}", if predicate.negated { "!=" } else { "=" }, literal(value))
        }
        Test::Glob { text, .. } => colon(field, text),
        Test::Compare { op, value } => format!("{field}{}{}", op.text(), literal(value)),
        Test::Range { low, high, .. } => range(field, low, high),
        Test::Regex(pattern) => {
            format!("{field}{}{}", if predicate.negated { "!~" } else { "=~" }, quote::string(&pattern.text))
        }
        Test::In(values) => format!("{field} {not}in ({})", list(values, literal)),
        Test::InQuery(query) => format!("{field} {not}in {}", subquery(query)),
        Test::Exists(Presence::Star) => format!("{field}:*"),
        Test::Exists(Presence::Function) => {
            format!("{}({field})", if predicate.negated { "missing" } else { "exists" })
        }
        Test::Cidr(networks) => call("cidr", field, networks),
        Test::Contains(value) => call("contains", field, std::slice::from_ref(value)),
        Test::StartsWith(value) => call("startswith", field, std::slice::from_ref(value)),
        Test::EndsWith(value) => call("endswith", field, std::slice::from_ref(value)),
        Test::Phrase(value) => call("phrase", field, std::slice::from_ref(value)),
    }
}

/// `field:value`; a value that would make it `::` or `://` needs a group around it.
pub(super) fn colon(field: &str, value: &str) -> String {
    if value.starts_with(':') || value.starts_with("//") {
        format!("{field}:({value})")
    } else {
        format!("{field}:{value}")
    }
}

pub(super) fn range(field: &str, low: &Bound, high: &Bound) -> String {
    let end = |bound: &Bound| bound.value.as_ref().map_or_else(|| "*".to_owned(), literal);
    let open = if low.inclusive { '[' } else { '{' };
    let close = if high.inclusive { ']' } else { '}' };
    format!("{field}:{open}{} TO {}{close}", end(low), end(high))
}

fn call(name: &str, field: &str, values: &[Literal]) -> String {
    format!("{name}({field}, {})", list(values, literal))
}
