//! Lets lines of JSON go that cannot match before they are read in full, and reads no more of the others than the query needs.

use super::events;
use event::{Event, glance};
use query_lang::ast::{Filter, FilterNode};
use query_lang::eval::run::{Program, Wanted};
use serde_json::Map;

/// What a look at a line has shown.
pub enum Sight<'b> {
    /// It does not match.
    Gone,
    /// All that the query looks at. It may still not match.
    Enough(Box<Event<'b>>),
    /// It has to be read in full.
    Unclear,
}

#[derive(Debug, Clone, Copy)]
pub struct Sieve<'p> {
    program: &'p Program,
    wanted: &'p Wanted,
    /// The answer needs no more of the event than `wanted`.
    is_enough: bool,
}

impl<'p> Sieve<'p> {
    /// Nothing where every event has to be read in full anyway.
    pub fn of(program: &'p Program, filter: Option<&Filter>) -> Option<Self> {
        let is_enough = *program.wanted() != Wanted::All;
        let is_filtered = filter.is_some_and(|filter| !matches!(filter.node, FilterNode::All));
        let wanted = if is_enough { program.wanted() } else { program.filter_wanted() };
        // What was cut or put aside on the way in shows only in an event that is read in full.
        let is_plain =
            *wanted != Wanted::All && !wanted.holds("_truncated") && !wanted.holds("_overflow_fields");
        ((is_enough || is_filtered) && is_plain).then_some(Self { program, wanted, is_enough })
    }

    pub fn look<'b>(&self, line: &'b [u8]) -> Sight<'b> {
        let Some(seen) = glance(line, |name| self.wanted.holds(name)) else { return Sight::Unclear };
        if !self.program.may_match(&events::view(&seen.event, "", &Map::new())) {
            return Sight::Gone;
        }
        let Some(event) = seen.with_attributes() else { return Sight::Unclear };
        if self.is_enough {
            return Sight::Enough(Box::new(event));
        }
        let attributes = events::attributes(&event.attributes, self.wanted);
        if self.program.matches(&events::view(&event, "", &attributes)) {
            Sight::Unclear
        } else {
            Sight::Gone
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use query_lang::eval::run::Range;
    use query_lang::{Catalogue, CheckContext, check, parse};

    fn look(query: &str, line: &str) -> &'static str {
        let zone = jiff::tz::TimeZone::UTC;
        let (from_ns, to_ns) = crate::query::range::EVER;
        let context = CheckContext { now_ns: 0, from_ns, to_ns, time_zone: zone.clone() };
        let parsed = parse(query).expect("a query");
        let checked = check(&parsed.query, &Catalogue::default(), &context).expect("right");
        let program = Program::of(&checked.query, &Range { from_ns, to_ns, zone }).expect("possible");
        let Some(sieve) = Sieve::of(&program, checked.query.filter.as_ref()) else { return "no sieve" };
        match sieve.look(line.as_bytes()) {
            Sight::Gone => "gone",
            Sight::Enough(_) => "enough",
            Sight::Unclear => "unclear",
        }
    }

    #[test]
    fn lines_go_by_their_own_fields_and_by_the_attributes_of_the_filter() {
        let line =
            r#"{"timestamp":"2026-03-10T10:00:00Z","level":"error","source":"api","n":7,"message":"m"}"#;
        for (query, sight) in [
            ("level:error | stats count() by source", "enough"),
            ("level:warn | stats count() by source", "gone"),
            ("level:error n>5", "unclear"),
            ("level:error n>7", "gone"),
            ("level:error or n>7", "unclear"),
            ("-n:7", "gone"),
            ("| stats avg(n)", "enough"),
            ("*:word", "no sieve"),
            ("*", "no sieve"),
            ("_truncated:message", "no sieve"),
        ] {
            assert_eq!(look(query, line), sight, "{query}");
        }
        assert_eq!(look("level:warn | stats count()", r#"{"level":40,"msg":"m"}"#), "unclear");
    }
}
