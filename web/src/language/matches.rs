//! Why an event is in the result: the stretches of its texts that the query asks for, told by the language's own evaluator.

use super::part::language;
use super::spoken::checked;
use api_types::search::EventRow;
use query_lang::ast::Level;
use query_lang::eval::{Event, Matcher};
use std::collections::BTreeMap;

/// By field: where its text matched, in bytes.
pub type Spans = BTreeMap<String, Vec<(usize, usize)>>;

/// What looks at events for a query.
pub trait Finds: Send + Sync {
    fn matches(&self, event: &EventRow) -> bool;
    fn spans(&self, event: &EventRow) -> Spans;
}

/// Finds what a query matched in events.
pub struct Matches(Box<dyn Finds>);

impl Matches {
    /// Nothing for a query that cannot be run, and for one that asks for nothing.
    pub fn of(query: &str) -> Option<Self> {
        (language()?.matches)(query).map(Self)
    }

    /// For narrowing while typing: only for a query that is a filter and nothing else, and can be told for each event alone.
    pub fn narrowing(query: &str) -> Option<Self> {
        (language()?.narrowing)(query).map(Self)
    }

    pub fn matches(&self, event: &EventRow) -> bool {
        self.0.matches(event)
    }

    pub fn spans(&self, event: &EventRow) -> Spans {
        self.0.spans(event)
    }
}

impl Finds for Matcher {
    fn matches(&self, event: &EventRow) -> bool {
        with_event(event, |event| self.matches(event))
    }

    fn spans(&self, event: &EventRow) -> Spans {
        let marks = with_event(event, |event| self.marks(event));
        marks.into_iter().map(|mark| (mark.field, mark.spans)).collect()
    }
}

pub(super) fn of(query: &str) -> Option<Matcher> {
    let checked = checked(query).ok()?;
    Matcher::of(Some(checked.query.filter.as_ref()?)).ok()
}

pub(super) fn narrowing(query: &str) -> Option<Matcher> {
    let checked = checked(query).ok()?;
    let is_filter = checked.query.stages.is_empty();
    Matcher::of(Some(checked.query.filter.as_ref().filter(|_| is_filter)?)).ok()
}

/// A row of an answer as the evaluator sees it.
fn with_event<T>(event: &EventRow, look: impl FnOnce(&Event) -> T) -> T {
    let time: Option<jiff::Timestamp> = event.timestamp.parse().ok();
    look(&Event {
        id: &event.id,
        timestamp_ns: time.and_then(|time| i64::try_from(time.as_nanosecond()).ok()).unwrap_or_default(),
        level: event.level.as_deref().and_then(Level::from_name),
        source: event.source.as_deref().unwrap_or_default(),
        host: event.host.as_deref().unwrap_or_default(),
        message: event.message.as_deref().unwrap_or_default(),
        trace_id: event.trace_id.as_deref().unwrap_or_default(),
        span_id: event.span_id.as_deref().unwrap_or_default(),
        attributes: &event.attributes,
    })
}

/// A part of a text, and whether it matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    pub matched: bool,
}

/// The text cut at the borders of its matches; spans that do not fit it are passed over.
pub fn pieces<'a>(text: &'a str, spans: &[(usize, usize)]) -> Vec<Piece<'a>> {
    let mut cut = Vec::new();
    let mut at = 0;
    for &(start, end) in spans {
        let (Some(before), Some(matched)) = (text.get(at..start), text.get(start..end)) else { continue };
        cut.push(Piece { text: before, matched: false });
        cut.push(Piece { text: matched, matched: true });
        at = end;
    }
    cut.push(Piece { text: text.get(at..).unwrap_or_default(), matched: false });
    cut.retain(|piece| !piece.text.is_empty());
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matched(query: &str) -> Vec<(String, String)> {
        let event: EventRow = serde_json::from_value(json!({
            "id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": "error", "source": "api", "host": null,
            "message": "Upstream timeout, order 7", "trace_id": null, "span_id": null, "attributes": {"http": {"status": 504}}
        }))
        .expect("an event");
        let spans = Matches::of(query).map(|matches| matches.spans(&event)).unwrap_or_default();
        let text = |field: &str| crate::pages::explore::field_text(&event, field).unwrap_or_default();
        spans
            .iter()
            .flat_map(|(field, spans)| {
                let text = text(field);
                let parts: Vec<String> =
                    spans.iter().map(|(start, end)| text[*start..*end].to_owned()).collect();
                parts.into_iter().map(move |part| (field.clone(), part))
            })
            .collect()
    }

    #[test]
    fn words_and_values_are_marked_where_they_stand() {
        let pair = |field: &str, text: &str| (field.to_owned(), text.to_owned());
        assert_eq!(
            matched("TIMEOUT http.status>=500"),
            [pair("http.status", "504"), pair("message", "timeout")]
        );
        assert_eq!(matched("-nothing"), []);
        assert_eq!(matched(""), []);
    }

    #[test]
    fn only_a_filter_narrows() {
        let event: EventRow = serde_json::from_value(json!({
            "id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": "error", "source": "api", "host": null,
            "message": "Upstream timeout", "trace_id": null, "span_id": null, "attributes": {}
        }))
        .expect("an event");
        let holds = |query: &str| Matches::narrowing(query).map(|matches| matches.matches(&event));
        assert_eq!(holds("timeout source:api"), Some(true));
        assert_eq!(holds("timeout -source:api"), Some(false));
        assert_eq!(holds("timeout | stats count()"), None);
        assert_eq!(holds("source:("), None);
        assert_eq!(holds(""), None);
    }

    #[test]
    fn a_text_is_cut_at_its_matches() {
        let cut: Vec<(&str, bool)> =
            pieces("añb", &[(1, 3)]).iter().map(|piece| (piece.text, piece.matched)).collect();
        assert_eq!(cut, [("a", false), ("ñ", true), ("b", false)]);
        assert_eq!(pieces("ab", &[(1, 9)]), [Piece { text: "ab", matched: false }]);
    }
}
