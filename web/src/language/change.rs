//! Changes of the query by clicks on values. Text is never put together here: `query_lang::edit` quotes and places it.

use query_lang::ast::{Filter, FilterNode, Test};
use query_lang::{Diagnostic, Edit, Term};

/// A click on a value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Events with this value, besides those of the values already asked for.
    Include { field: String, value: String },
    /// No events with this value.
    Exclude { field: String, value: String },
    /// Of this field, this value alone; conditions on other fields stay.
    Only { field: String, value: String },
    /// Numbers of this field between the two, ends included; other conditions on it go.
    Between { field: String, low: Option<f64>, high: Option<f64> },
    /// Takes away the condition with this number.
    Remove(usize),
    /// Turns the condition with this number into its opposite.
    Negate(usize),
    /// Puts what a person wrote in the place of the condition with this number.
    Replace(usize, String),
    /// One more condition that a person wrote.
    Add(String),
    /// One more stage at the end.
    Stage(String),
}

impl Change {
    pub fn include(field: String, value: String) -> Self {
        Self::Include { field, value }
    }

    pub fn exclude(field: String, value: String) -> Self {
        Self::Exclude { field, value }
    }

    pub fn only(field: String, value: String) -> Self {
        Self::Only { field, value }
    }
}

/// The text after a change, or why it cannot be changed.
pub fn edit(text: &str, change: &Change) -> Result<String, String> {
    let changed = match change {
        Change::Include { field, value } => include(text, field, value),
        Change::Exclude { field, value } => add(text, value_term(field, value), true),
        Change::Only { field, value } => {
            without_field(text, field).and_then(|text| add(&text, value_term(field, value), false))
        }
        Change::Between { field, low, high } => without_field(text, field).and_then(|text| {
            add(&text, Term::Between { field: field.clone(), low: *low, high: *high }, false)
        }),
        Change::Remove(index) => query_lang::edit(text, &Edit::Remove { index: *index }),
        Change::Negate(index) => query_lang::edit(text, &Edit::Negate { index: *index }),
        Change::Replace(index, condition) => {
            query_lang::edit(text, &Edit::Replace { index: *index, text: condition.clone() })
        }
        Change::Add(condition) => query_lang::edit(text, &Edit::AddText { text: condition.clone() }),
        Change::Stage(stage) => query_lang::edit(text, &Edit::AddStage { stage: stage.clone() }),
    };
    changed.map_err(|mistake| match query_lang::parse(text) {
        Ok(_) => super::sentence(&mistake.message),
        Err(broken) => format!("Mend the query first: {}", broken.message),
    })
}

fn value_term(field: &str, value: &str) -> Term {
    Term::Value { field: field.to_owned(), value: value.to_owned() }
}

fn add(text: &str, term: Term, negated: bool) -> Result<String, Diagnostic> {
    query_lang::edit(text, &Edit::Add { term, negated })
}

fn include(text: &str, field: &str, value: &str) -> Result<String, Diagnostic> {
    let terms = top_terms(text)?;
    let known = terms.iter().enumerate().find_map(|(index, term)| {
        let (named, values) = included(term)?;
        (named == field).then_some((index, values))
    });
    let Some((index, mut values)) = known else { return add(text, value_term(field, value), false) };
    if values.iter().any(|known| known == value) {
        return Ok(text.to_owned());
    }
    values.push(value.to_owned());
    let without = query_lang::edit(text, &Edit::Remove { index })?;
    add(&without, Term::AnyOf { field: field.to_owned(), values }, false)
}

/// Takes away every condition that is about this field alone.
fn without_field(text: &str, field: &str) -> Result<String, Diagnostic> {
    let is_about = |(index, term): (usize, &Filter)| (field_of(term)? == field).then_some(index);
    let terms = top_terms(text)?;
    let about: Vec<usize> = terms.iter().enumerate().filter_map(is_about).collect();
    about
        .into_iter()
        .rev()
        .try_fold(text.to_owned(), |text, index| query_lang::edit(&text, &Edit::Remove { index }))
}

/// The conditions ANDed at the top, numbered as `Edit::Remove` numbers them.
fn top_terms(text: &str) -> Result<Vec<Filter>, Diagnostic> {
    let filter = query_lang::parse(text)?.query.filter;
    Ok(match filter {
        None => Vec::new(),
        Some(Filter { node: FilterNode::All, .. }) => Vec::new(),
        Some(Filter { node: FilterNode::And(terms), .. }) => terms,
        Some(filter) => vec![filter],
    })
}

/// The field of a term that is about one.
fn field_of(term: &Filter) -> Option<&str> {
    match &term.node {
        FilterNode::Not(inner) => field_of(inner),
        FilterNode::Predicate(predicate) => Some(&predicate.field.path),
        FilterNode::Or(terms) => {
            let first = field_of(terms.first()?)?;
            terms.iter().all(|term| field_of(term) == Some(first)).then_some(first)
        }
        FilterNode::All | FilterNode::And(_) | FilterNode::Text(_) | FilterNode::AnyText(_) => None,
    }
}

/// The values that a term asks for, when asking for values is all that it does.
fn included(term: &Filter) -> Option<(&str, Vec<String>)> {
    let field = field_of(term)?;
    match &term.node {
        FilterNode::Predicate(predicate) if !predicate.negated => match &predicate.test {
            Test::Equals { value, .. } => Some((field, vec![value.text.clone()])),
            _ => None,
        },
        FilterNode::Or(terms) => {
            let values: Option<Vec<Vec<String>>> = terms.iter().map(|term| Some(included(term)?.1)).collect();
            Some((field, values?.concat()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, change: fn(String, String) -> Change, field: &str, value: &str) -> String {
        edit(text, &change(field.into(), value.into())).expect(text)
    }

    #[test]
    fn a_second_value_of_a_field_widens_the_search() {
        let one = after("timeout", Change::include, "source", "api");
        assert_eq!(one, "timeout source:api");
        let two = after(&one, Change::include, "source", "web");
        assert_eq!(two, "timeout source:(api OR web)");
        assert_eq!(after(&two, Change::include, "source", "web"), two);
        assert_eq!(after(&two, Change::include, "source", "db"), "timeout source:(api OR web OR db)");
    }

    #[test]
    fn only_replaces_what_was_asked_of_the_field() {
        let text = "timeout source:(api OR web) -source:db level:error | stats count()";
        assert_eq!(
            after(text, Change::only, "source", "auth"),
            "timeout level:error source:auth | stats count()"
        );
        assert_eq!(after("", Change::only, "host", "a b"), "host:\"a b\"");
    }

    #[test]
    fn a_range_replaces_what_was_asked_of_the_field() {
        let range = Change::Between { field: "http.status".into(), low: Some(400.0), high: None };
        assert_eq!(edit("x http.status:500 y", &range).as_deref(), Ok("x y http.status:[400 TO *]"));
    }

    #[test]
    fn what_a_person_writes_in_a_pill_has_to_be_a_condition() {
        let change = |change| edit("a b", &change);
        assert_eq!(change(Change::Replace(0, "level>=warn".into())).as_deref(), Ok("level>=warn b"));
        assert!(
            change(Change::Replace(0, "level:(".into())).is_err_and(|message| !message.starts_with("Mend"))
        );
    }

    #[test]
    fn excluding_turns_an_inclusion_round() {
        assert_eq!(after("level:info x", Change::exclude, "level", "info"), "-level:info x");
        assert_eq!(after("*", Change::exclude, "http.status", "500"), "-http.status:500");
    }

    #[test]
    fn a_broken_query_is_not_changed() {
        let message = edit("level:(", &Change::include("a".into(), "b".into())).expect_err("it is broken");
        assert!(message.starts_with("Mend the query first: "), "{message}");
    }
}
