//! How far delivery is behind: what operators and tenants are shown.

use crate::time::now_us;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Written by the shipper and by who gathers for it.
#[derive(Debug, Default)]
pub struct Lag {
    waiting: Mutex<Waiting>,
    failures: AtomicU32,
}

/// When the oldest request arrived, in milliseconds.
#[derive(Debug, Default)]
struct Waiting {
    /// Of the stretch that is being read.
    read: Option<i64>,
    /// Of each stretch that was read and is not stored yet, in the order of the log.
    on_the_way: VecDeque<Option<i64>>,
}

impl Lag {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read of the next stretch.
    pub fn note_read(&self, oldest_ms: Option<i64>) {
        self.waiting().read = oldest_ms;
    }

    /// The stretch that was being read goes on its way.
    pub fn note_sent(&self, oldest_ms: Option<i64>) {
        let mut waiting = self.waiting();
        waiting.read = None;
        waiting.on_the_way.push_back(oldest_ms);
    }

    /// The first of those on their way is stored.
    pub fn note_stored(&self) {
        self.waiting().on_the_way.pop_front();
    }

    fn oldest_ms(&self) -> Option<i64> {
        let waiting = self.waiting();
        waiting.on_the_way.iter().chain([&waiting.read]).flatten().min().copied()
    }

    pub fn note_failures(&self, failures: u32) {
        self.failures.store(failures, Ordering::Relaxed);
        metrics::gauge!("cordwood_shipper_failures_in_a_row").set(failures);
    }

    /// Tries of the log store that failed since the last one that did not.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// When the oldest request arrived that is on its way, in microseconds.
    #[must_use]
    pub fn waiting_since(&self) -> Option<i64> {
        self.oldest_ms().map(|oldest| oldest * 1_000)
    }

    /// Age of the oldest request that is on its way to the log store.
    #[must_use]
    pub fn oldest_waiting_s(&self) -> f64 {
        self.oldest_ms().map_or(0.0, |oldest| ((now_us() / 1000 - oldest) as f64 / 1000.0).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_waits_until_it_is_stored() {
        let lag = Lag::default();
        assert_eq!(lag.waiting_since(), None);
        lag.note_read(Some(5));
        assert_eq!(lag.waiting_since(), Some(5_000));
        lag.note_sent(Some(5));
        lag.note_read(Some(7));
        assert_eq!(lag.waiting_since(), Some(5_000));
        lag.note_stored();
        assert_eq!(lag.waiting_since(), Some(7_000));
        lag.note_sent(Some(7));
        lag.note_stored();
        assert_eq!(lag.waiting_since(), None);
    }
}
