//! How far delivery is behind: what operators and tenants are shown.

use crate::time::now_us;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// Written by the shipper.
#[derive(Debug, Default)]
pub struct Lag {
    /// When the oldest request arrived that is on its way; 0: none is.
    oldest_ms: AtomicI64,
    failures: AtomicU32,
}

impl Lag {
    pub fn note_oldest(&self, oldest_ms: Option<i64>) {
        self.oldest_ms.store(oldest_ms.unwrap_or(0), Ordering::Relaxed);
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
        match self.oldest_ms.load(Ordering::Relaxed) {
            0 => None,
            oldest => Some(oldest * 1_000),
        }
    }

    /// Age of the oldest request that is on its way to the log store.
    #[must_use]
    pub fn oldest_waiting_s(&self) -> f64 {
        match self.oldest_ms.load(Ordering::Relaxed) {
            0 => 0.0,
            oldest => ((now_us() / 1000 - oldest) as f64 / 1000.0).max(0.0),
        }
    }
}
