//! What matched: stretches of the fields of an event, so that a row can be marked.

use std::collections::BTreeMap;

use super::event::{Event, Row, leaves};
use super::matcher::{CORE_TEXTS, Condition, Matcher, message_of};
use super::pattern::TextPattern;
use super::test::Test;
use super::value::Value;

/// A field and the stretches of its text that matched, in order, apart from each other, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// A core field's name or an attribute's path.
    pub field: String,
    pub spans: Vec<(usize, usize)>,
}

impl Matcher {
    /// The reasons why the event matches. What is asked for to be absent marks nothing.
    #[must_use]
    pub fn marks(&self, event: &Event) -> Vec<Mark> {
        let mut found = BTreeMap::new();
        collect(&self.condition, &Row::new(*event), &mut found);
        found
            .into_iter()
            .map(|(field, spans)| Mark { field, spans: apart(spans) })
            .filter(|mark| !mark.spans.is_empty())
            .collect()
    }
}

type Found = BTreeMap<String, Vec<(usize, usize)>>;

fn collect(condition: &Condition, row: &Row, found: &mut Found) {
    match condition {
        Condition::And(terms) | Condition::Or(terms) => {
            terms.iter().for_each(|term| collect(term, row, found))
        }
        Condition::Text(pattern) => mark_text(pattern, "message", &message_of(row), found),
        Condition::AnyText(pattern) => {
            for core in CORE_TEXTS {
                mark_text(pattern, core.name(), &row.event.core(core), found);
            }
            leaves(row.event.attributes, &mut |path, value| {
                mark_text(pattern, path, &Value::of_json(value), found)
            });
        }
        Condition::Field { field, test } => mark_field(&field.path, test, &row.field(field), found),
        Condition::Always(_)
        | Condition::Not(_)
        | Condition::Id { .. }
        | Condition::Value { .. }
        | Condition::True(_) => {}
    }
}

fn mark_text(pattern: &TextPattern, field: &str, value: &Value, found: &mut Found) {
    if let Some(text) = value.to_text() {
        found.entry(field.to_owned()).or_default().extend(pattern.places(&text));
    }
}

fn mark_field(field: &str, test: &Test, value: &Value, found: &mut Found) {
    if matches!(test, Test::Present) || !test.holds(value) {
        return;
    }
    let Some(text) = value.to_text() else { return };
    let places = match value.as_array() {
        // The elements stand inside the array's text; the whole of it is the reason.
        Some(_) => vec![(0, text.len())],
        None => test.places(&text),
    };
    found.entry(field.to_owned()).or_default().extend(places);
}

/// In order, and joined where they touch.
fn apart(mut spans: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    spans.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::with_capacity(spans.len());
    for (start, end) in spans.into_iter().filter(|(start, end)| start < end) {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}
