//! Rows of the newest events, gathered piece by piece until there are enough; see `query_lang::sql::NewestFirst`.

use crate::logstore::{Answer, Stats};

/// The answers so far as one: their rows one after the other, their costs added up.
#[derive(Default)]
pub(super) struct Gathered(Option<Answer>);

impl Gathered {
    pub(super) fn add(&mut self, answer: Answer) {
        self.0 = Some(match self.0.take() {
            None => answer,
            Some(mut before) => {
                before.rows.extend(answer.rows);
                before.stats.rows_read += answer.stats.rows_read;
                before.stats.bytes_read += answer.stats.bytes_read;
                before.stats.elapsed_ms += answer.stats.elapsed_ms;
                before
            }
        });
    }

    pub(super) fn rows(&self) -> usize {
        self.0.as_ref().map_or(0, |answer| answer.rows.len())
    }

    /// At most so many rows.
    pub(super) fn answer(self, most: usize) -> Answer {
        let nothing = || Answer { columns: Vec::new(), rows: Vec::new(), stats: Stats::default() };
        let mut answer = self.0.unwrap_or_else(nothing);
        answer.rows.truncate(most);
        answer
    }
}
