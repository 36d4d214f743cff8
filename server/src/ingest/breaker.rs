//! Tells when a log store that fails is left alone: then it is only asked whether it answers, every few seconds.
//!
//! Opens after five failures in a row, or when half of twenty tries within ten seconds failed. A store that answers again gets one
//! batch; if that fails, it is left alone again.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const FAILURES_IN_A_ROW: u32 = 5;
const TRIES: usize = 20;
const WITHIN: Duration = Duration::from_secs(10);
/// Between two questions whether the store answers.
pub const PROBE_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Breaker {
    in_a_row: u32,
    /// The last tries, and whether each failed.
    recent: VecDeque<(Instant, bool)>,
    is_open: bool,
}

impl Breaker {
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// A batch was tried.
    pub fn note(&mut self, failed: bool, now: Instant) {
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        self.recent.push_back((now, failed));
        if self.recent.len() > TRIES {
            self.recent.pop_front();
        }
        if failed && (self.in_a_row >= FAILURES_IN_A_ROW || self.half_failed(now)) {
            self.open();
        }
    }

    /// The store does not even answer: no need to wait for four more of that.
    pub fn open(&mut self) {
        self.is_open = true;
        self.recent.clear();
    }

    /// The store answers again: the next batch decides.
    pub fn try_again(&mut self) {
        self.is_open = false;
        self.in_a_row = FAILURES_IN_A_ROW - 1;
    }

    fn half_failed(&self, now: Instant) -> bool {
        let recent = self.recent.iter().filter(|(at, _)| now.saturating_duration_since(*at) <= WITHIN);
        let (all, failed) =
            recent.fold((0, 0), |(all, bad), (_, failed)| (all + 1, bad + usize::from(*failed)));
        all >= TRIES && failed * 2 >= all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(outcomes: &[bool], apart: Duration) -> Breaker {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for failed in outcomes {
            breaker.note(*failed, now);
            now += apart;
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_four_do_not() {
        assert!(!after(&[true; 4], Duration::from_secs(1)).is_open());
        assert!(!after(&[true, true, true, true, false, true], Duration::from_secs(1)).is_open());
        assert!(after(&[true; 5], Duration::from_secs(60)).is_open());
    }

    #[test]
    fn half_of_twenty_within_ten_seconds_open_it() {
        let every_other = [false, true].repeat(10);
        assert!(after(&every_other, Duration::from_millis(100)).is_open());
        assert!(!after(&every_other, Duration::from_secs(2)).is_open(), "too few within ten seconds");
        assert!(!after(&[false, false, true].repeat(7), Duration::from_millis(100)).is_open());
    }

    #[test]
    fn one_failure_after_a_probe_opens_it_again_and_one_success_closes_it() {
        let mut breaker = after(&[true; 5], Duration::from_secs(1));
        breaker.try_again();
        assert!(!breaker.is_open());
        breaker.note(true, Instant::now());
        assert!(breaker.is_open());

        breaker.try_again();
        breaker.note(false, Instant::now());
        breaker.note(true, Instant::now());
        assert!(!breaker.is_open());
    }
}
