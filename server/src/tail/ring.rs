//! The last requests of a project that is watched, for readers who come back after a cut connection.

use super::inbox::Acknowledged;
use query_lang::sql::EventKey;
use std::collections::VecDeque;
use std::sync::Arc;

/// What one project may keep.
const KEPT_BYTES: usize = 4 << 20;

#[derive(Default)]
pub struct Ring {
    requests: VecDeque<Arc<Acknowledged>>,
    bytes: usize,
    /// The last request that is not in the ring any more; everything behind it is.
    forgotten: Option<u64>,
}

/// What the ring has behind an event.
pub struct Missed {
    pub requests: Vec<Arc<Acknowledged>>,
    /// Whether that is everything.
    pub whole: bool,
}

impl Ring {
    pub fn push(&mut self, request: Arc<Acknowledged>) {
        if self.requests.is_empty() && self.forgotten.is_none() {
            self.forgotten = Some(request.number.saturating_sub(1));
        }
        self.bytes += request.rows.as_bytes().len();
        self.requests.push_back(request);
        while self.bytes > KEPT_BYTES {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.bytes -= oldest.rows.as_bytes().len();
            self.forgotten = Some(oldest.number);
        }
    }

    /// Something is missing before what comes next.
    pub fn cut(&mut self) {
        self.forgotten = self.requests.back().map(|last| last.number).or(self.forgotten);
        self.requests.clear();
        self.bytes = 0;
    }

    /// The requests from the event's own on, in order.
    pub fn after(&self, event: &EventKey) -> Missed {
        let newest = self.requests.back().map_or(self.forgotten, |last| Some(last.number));
        let is_ours = |number: u64| newest.is_some_and(|newest| is_of_one_log(newest, number));
        let whole = is_ours(event.batch_id) && self.forgotten.is_none_or(|gone| gone < event.batch_id);
        let from = if is_ours(event.batch_id) { event.batch_id } else { 0 };
        let behind = self.requests.iter().filter(|request| request.number >= from);
        Missed { requests: behind.cloned().collect(), whole }
    }
}

/// The upper bits of a request's number name the log.
fn is_of_one_log(one: u64, other: u64) -> bool {
    one >> 40 == other >> 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::rows::{Owner, Rows};
    use uuid::Uuid;

    fn request(number: u64, bytes: usize) -> Arc<Acknowledged> {
        let owner = Owner {
            organization_id: Uuid::nil(),
            project_id: Uuid::nil(),
            retention_days: 30,
            received_at_ms: 0,
            key_id: Uuid::nil(),
        };
        let mut rows = Rows::default();
        let message = "x".repeat(bytes);
        rows.push(&crate::ingest::rows::Row {
            timestamp_ns: 0,
            level: 0,
            source: "",
            host: "",
            message: &message,
            trace_id: "",
            span_id: "",
            pattern_id: 0,
            attributes: "{}",
        });
        Arc::new(Acknowledged { number, owner, rows })
    }

    fn key(batch_id: u64) -> EventKey {
        EventKey { timestamp_ns: 0, batch_id, batch_row: 0 }
    }

    fn numbers(missed: &Missed) -> Vec<u64> {
        missed.requests.iter().map(|request| request.number).collect()
    }

    #[test]
    fn what_came_behind_an_event_is_known() {
        let mut ring = Ring::default();
        (5..9).for_each(|number| ring.push(request(number, 10)));

        let missed = ring.after(&key(6));

        assert!(missed.whole);
        assert_eq!(numbers(&missed), [6, 7, 8]);
    }

    #[test]
    fn what_is_forgotten_or_of_another_log_is_a_gap() {
        let mut ring = Ring::default();
        assert!(!ring.after(&key(6)).whole, "nothing is known yet");
        (1..9).for_each(|number| ring.push(request(number, 1 << 20)));

        let missed = ring.after(&key(2));
        assert!(!missed.whole);
        assert_eq!(numbers(&missed), [6, 7, 8]);
        assert!(!ring.after(&key((1 << 40) | 7)).whole, "a number of another log");
        assert!(ring.after(&key(8)).whole);

        ring.cut();
        assert!(!ring.after(&key(8)).whole);
    }
}
