//! A query that is asked of one event after the other, without the log store: live tails, dead letters.

use super::SearchError;
use super::time_range::{Asked, TimeRange};
use crate::sight::Sight;
use query_lang::ast::Filter;
use query_lang::eval::{Event, Matcher, Stream, StreamRow};
use query_lang::{Catalogue, CheckContext, Checked};

/// Times in such a query may be anything between these.
const ANY_TIME_NS: (i64, i64) = (0, 4_102_444_800_000_000_000);

/// A query that was checked and can be asked of each event alone.
#[derive(Debug)]
pub struct Question {
    checked: Checked,
    stream: Stream,
    /// What the asker's row rule lets through.
    rules: Vec<Filter>,
    seen: Vec<Matcher>,
}

impl Question {
    /// # Errors
    /// The query does not compile, or needs more than one event at a time; the time zone is not known; the row rule does not
    /// compile any more.
    pub fn parse(sight: &Sight, source: &str, zone: Option<&str>, now_ns: i64) -> Result<Self, SearchError> {
        let asked = Asked { from: None, to: None, now: None, zone };
        let range = TimeRange::parse(asked, now_ns)?;
        let invalid = |diagnostic| SearchError::Query {
            source_text: source.to_owned(),
            diagnostic: Box::new(diagnostic),
        };
        let parsed = query_lang::parse(source).map_err(invalid)?;
        let (from_ns, to_ns) = ANY_TIME_NS;
        let context = CheckContext { now_ns, from_ns, to_ns, time_zone: range.zone.clone() };
        let checked = query_lang::check(&parsed.query, &Catalogue::default(), &context).map_err(invalid)?;
        let stream = Stream::of(&checked.query, &range.zone).map_err(invalid)?;
        let rules = sight.filters(now_ns)?;
        Ok(Self { checked, stream, rules, seen: sight.matchers(now_ns)? })
    }

    /// What the query makes of an event; nothing when it does not match, or may not be seen.
    #[must_use]
    pub fn ask<'a>(&self, event: &Event<'a>) -> Option<StreamRow<'a>> {
        let may_be_seen = self.seen.iter().all(|rule| rule.matches(event));
        if may_be_seen { self.stream.apply(event) } else { None }
    }

    /// Whether both ask for the same and may see the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.checked == other.checked && self.rules == other.rules
    }
}
