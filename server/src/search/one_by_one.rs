//! A query that is asked of one event after the other, without the log store: live tails, dead letters.

use super::SearchError;
use super::time_range::{Asked, TimeRange};
use query_lang::eval::{Event, Stream, StreamRow};
use query_lang::{Catalogue, CheckContext, Checked};

/// Times in such a query may be anything between these.
const ANY_TIME_NS: (i64, i64) = (0, 4_102_444_800_000_000_000);

/// A query that was checked and can be asked of each event alone.
#[derive(Debug)]
pub struct Question {
    checked: Checked,
    stream: Stream,
}

impl Question {
    /// # Errors
    /// The query does not compile, or needs more than one event at a time; the time zone is not known.
    pub fn parse(source: &str, zone: Option<&str>, now_ns: i64) -> Result<Self, SearchError> {
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
        Ok(Self { checked, stream })
    }

    /// What the query makes of an event; nothing when it does not match.
    #[must_use]
    pub fn ask<'a>(&self, event: &Event<'a>) -> Option<StreamRow<'a>> {
        self.stream.apply(event)
    }

    /// Whether both ask for the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.checked == other.checked
    }
}
