//! A filter made ready to be tried on many events.

use super::event::{Event, Row, leaves};
use super::expression::Node;
use super::pattern::TextPattern;
use super::test::Test;
use super::value::Value;
use crate::ast::{Core, Field, Filter, FilterNode, Meaning, Predicate, Target, TextMatch};
use crate::{Code, Diagnostic};

/// Where `*:word` looks, beside the attributes.
pub(super) const CORE_TEXTS: [Core; 5] =
    [Core::Message, Core::Source, Core::Host, Core::TraceId, Core::SpanId];

/// A compiled filter.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub(super) condition: Condition,
}

/// True or false of one row, never anything else.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Always(bool),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// In the message.
    Text(TextPattern),
    /// In any value of the row.
    AnyText(TextPattern),
    Field {
        field: Field,
        test: Test,
    },
    /// By the public id, or the one that came with the event.
    Id {
        texts: Vec<String>,
        fold: bool,
    },
    /// A test over a computed value.
    Value {
        value: Box<Node>,
        test: Test,
    },
    /// A comparison or function of an expression.
    True(Box<Node>),
}

impl Matcher {
    /// Compiles a checked filter; none matches every event.
    ///
    /// # Errors
    /// A subquery needs more events than the one at hand.
    pub fn of(filter: Option<&Filter>) -> Result<Self, Diagnostic> {
        let condition = filter.map_or(Ok(Condition::Always(true)), Condition::of)?;
        Ok(Self { condition })
    }

    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.condition.holds(&Row::new(*event))
    }
}

pub(super) fn needs_other_events(span: crate::Span) -> Diagnostic {
    Diagnostic::error(
        Code::E025,
        span,
        "a subquery in braces needs stored events, and here each event is looked at alone",
    )
    .hint("use it in a search, not in live tail")
}

impl Condition {
    pub(super) fn of(filter: &Filter) -> Result<Self, Diagnostic> {
        let all = |filters: &[Filter]| filters.iter().map(Self::of).collect::<Result<Vec<_>, _>>();
        Ok(match &filter.node {
            FilterNode::All => Self::Always(true),
            FilterNode::And(terms) => Self::And(all(terms)?),
            FilterNode::Or(terms) => Self::Or(all(terms)?),
            FilterNode::Not(term) => Self::Not(Box::new(Self::of(term)?)),
            FilterNode::Text(text) => Self::text(text),
            FilterNode::AnyText(text) => Self::AnyText(TextPattern::of(text)),
            FilterNode::Predicate(predicate) => Self::of_predicate(predicate)?,
        })
    }

    fn text(text: &TextMatch) -> Self {
        Self::Text(TextPattern::of(text))
    }

    pub(super) fn of_predicate(predicate: &Predicate) -> Result<Self, Diagnostic> {
        let meaning = predicate.meaning.as_ref().expect("the query is checked");
        if *meaning == Meaning::InQuery {
            return Err(needs_other_events(predicate.span));
        }
        let condition = match (&predicate.field.target, meaning) {
            (Target::Core(Core::Id), Meaning::Equals { texts, fold }) => {
                Self::Id { texts: texts.clone(), fold: *fold }
            }
            (Target::Core(Core::TraceId | Core::SpanId), Meaning::Equals { texts, .. }) => {
                let texts = texts.iter().map(|text| text.to_lowercase()).collect();
                Self::Field { field: predicate.field.clone(), test: Test::Equals { texts, fold: false } }
            }
            _ => Self::Field { field: predicate.field.clone(), test: Test::of(meaning) },
        };
        Ok(if predicate.negated { Self::Not(Box::new(condition)) } else { condition })
    }

    /// Whether only the event's own fields are looked at, and none of its attributes.
    pub(super) fn is_about_own_fields(&self) -> bool {
        match self {
            Self::Always(_) | Self::Text(_) => true,
            Self::And(terms) | Self::Or(terms) => terms.iter().all(Self::is_about_own_fields),
            Self::Not(term) => term.is_about_own_fields(),
            Self::Field { field, .. } => {
                matches!(field.target, Target::Core(core) if core != Core::Id)
            }
            Self::AnyText(_) | Self::Id { .. } | Self::Value { .. } | Self::True(_) => false,
        }
    }

    pub(super) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Always(holds) => *holds,
            Self::And(terms) => terms.iter().all(|term| term.holds(row)),
            Self::Or(terms) => terms.iter().any(|term| term.holds(row)),
            Self::Not(term) => !term.holds(row),
            Self::Text(pattern) => message_of(row).to_text().is_some_and(|text| pattern.is_in(&text)),
            Self::AnyText(pattern) => any_text(row, &mut |_, text| pattern.is_in(text)),
            Self::Field { field, test: Test::Present } => row.has(field),
            Self::Field { field, test } => test.holds(&row.field(field)),
            Self::Id { texts, fold } => texts.iter().any(|text| {
                let equal =
                    |id: &str| if *fold { id.to_lowercase() == text.to_lowercase() } else { id == text };
                row.event.has_id(text, equal)
            }),
            Self::Value { value, test } => test.holds(&value.value(row)),
            Self::True(value) => value.is_true(row),
        }
    }
}

/// A computed `message` hides the event's own.
pub(super) fn message_of<'a>(row: &Row<'a>) -> Value<'a> {
    if row.is_untouched() {
        return row.event.core(Core::Message);
    }
    row.named(Core::Message.name())
}

/// Tries `found` on every value of the row by its path, until it is true.
pub(super) fn any_text(row: &Row, found: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    let mut any = false;
    for core in CORE_TEXTS.into_iter().filter(|core| row.still_has(*core)) {
        any = any || row.event.core(core).to_text().is_some_and(|text| found(core.name(), &text));
    }
    for (name, value) in &row.columns {
        any = any || value.to_text().is_some_and(|text| found(name, &text));
    }
    if any || row.closed {
        return any;
    }
    leaves(row.event.attributes, &mut |path, value| {
        any = any || Value::of_json(value).to_text().is_some_and(|text| found(path, &text));
    });
    any
}
