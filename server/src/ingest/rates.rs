//! How fast an organization, and a key with a limit of its own, may send: buckets that fill with time.
//!
//! Whoever has anything left may send a batch of any size, and pays for it afterwards: a batch larger than what was left leaves a
//! debt, and the next one is refused until it is paid. So it is known before a body is unpacked and decoded whether it may come in, and a
//! flood costs little more than its answers.

use super::limits::LimitError;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So much may come at once, in seconds of the rate.
const BURST_S: f64 = 2.0;

/// The rates of one node.
pub struct Rates {
    bytes: Buckets<Uuid>,
    events: Buckets<Uuid>,
}

impl Rates {
    /// Rates per second and organization; 0 switches a limit off. Twice as much may come at once.
    #[must_use]
    pub fn new(bytes_per_second: u64, events_per_second: u64) -> Self {
        Self { bytes: Buckets::new(bytes_per_second), events: Buckets::new(events_per_second) }
    }

    /// Whether the organization may send now, before its body is looked at.
    ///
    /// # Errors
    /// It has sent too fast.
    pub fn check(&self, organization_id: Uuid) -> Result<(), LimitError> {
        let now = Instant::now();
        let refused = |what| move |wait: Duration| too_fast(what, wait);
        self.bytes.check(&organization_id, now).map_err(refused("bytes"))?;
        self.events.check(&organization_id, now).map_err(refused("events"))
    }

    /// Counts a decoded body.
    ///
    /// # Errors
    /// Others came in meanwhile and left nothing: it is not counted.
    pub fn take_bytes(&self, organization_id: Uuid, bytes: usize) -> Result<(), LimitError> {
        let taken = self.bytes.take(organization_id, bytes as f64, Instant::now());
        taken.map_err(|wait| too_fast("bytes", wait))
    }

    /// Counts events.
    ///
    /// # Errors
    /// Others came in meanwhile and left nothing: they are not counted.
    pub fn take_events(&self, organization_id: Uuid, events: usize) -> Result<(), LimitError> {
        let taken = self.events.take(organization_id, events as f64, Instant::now());
        taken.map_err(|wait| too_fast("events", wait))
    }

    /// Forgets organizations that have not sent for a while.
    pub fn tidy(&self) {
        let now = Instant::now();
        self.bytes.tidy(now);
        self.events.tidy(now);
    }
}

fn too_fast(what: &'static str, wait: Duration) -> LimitError {
    LimitError::TooFast { what, retry_after_s: wait.as_secs() + 1 }
}

/// One bucket for each of many, all filled at the same rate.
struct Buckets<K> {
    per_second: f64,
    levels: Mutex<HashMap<K, Level>>,
}

/// What was left at a moment; below zero is a debt.
#[derive(Clone, Copy)]
struct Level {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(per_second: u64) -> Self {
        Self { per_second: per_second as f64, levels: Mutex::default() }
    }

    fn levels(&self) -> MutexGuard<'_, HashMap<K, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_off(&self) -> bool {
        self.per_second <= 0.0
    }

    fn left(&self, level: Option<&Level>, now: Instant) -> f64 {
        let full = self.per_second * BURST_S;
        level.map_or(full, |level| {
            let since = now.saturating_duration_since(level.at).as_secs_f64();
            (level.left + since * self.per_second).min(full)
        })
    }

    /// Whether anything is left, or how long it takes until there is.
    fn check(&self, who: &K, now: Instant) -> Result<(), Duration> {
        if self.is_off() {
            return Ok(());
        }
        let left = self.left(self.levels().get(who), now);
        self.admit(left)
    }

    fn admit(&self, left: f64) -> Result<(), Duration> {
        if left > 0.0 { Ok(()) } else { Err(Duration::from_secs_f64(-left / self.per_second)) }
    }

    fn take(&self, who: K, amount: f64, now: Instant) -> Result<(), Duration> {
        if self.is_off() {
            return Ok(());
        }
        let mut levels = self.levels();
        let left = self.left(levels.get(&who), now);
        self.admit(left)?;
        levels.insert(who, Level { left: left - amount, at: now });
        Ok(())
    }

    /// Forgets who is full again.
    fn tidy(&self, now: Instant) {
        let full = self.per_second * BURST_S;
        self.levels().retain(|_, level| self.left(Some(level), now) < full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_organization_that_sends_too_fast_is_told_when_to_come_back() {
        let rates = Rates::new(0, 100);
        rates.check(ONE).unwrap();
        rates.take_events(ONE, 350).unwrap();
        assert!(rates.take_events(ONE, 1).is_err(), "somebody else of it was faster");

        let answer = rates.check(ONE);

        assert!(
            matches!(answer, Err(LimitError::TooFast { what: "events", retry_after_s: 2 })),
            "{answer:?}"
        );
        assert!(rates.check(OTHER).is_ok(), "another organization is not touched");
    }

    #[test]
    fn a_batch_larger_than_the_burst_comes_in_and_is_paid_for() {
        let (buckets, start) = (Buckets::new(100), Instant::now());
        buckets.take(ONE, 1000.0, start).unwrap();

        assert_eq!(buckets.check(&ONE, start), Err(seconds(8)));
        assert!(buckets.check(&ONE, start + seconds(7)).is_err());
        assert!(buckets.check(&ONE, start + seconds(9)).is_ok());
    }

    #[test]
    fn over_a_long_time_the_rate_holds() {
        let (buckets, start) = (Buckets::new(100), Instant::now());
        let mut taken = 0;
        for millisecond in 0..100_000 {
            let now = start + Duration::from_millis(millisecond);
            if buckets.take(ONE, 70.0, now).is_ok() {
                taken += 70;
            }
        }
        assert!((10_000..=10_300).contains(&taken), "{taken} in 100 s");
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let rates = Rates::new(0, 0);
        rates.take_events(ONE, 1_000_000).unwrap();
        rates.take_bytes(ONE, 1 << 40).unwrap();
        assert!(rates.check(ONE).is_ok());
    }

    #[test]
    fn who_is_full_again_is_forgotten() {
        let (buckets, start) = (Buckets::new(100), Instant::now());
        buckets.take(ONE, 50.0, start).unwrap();
        buckets.take(OTHER, 1000.0, start).unwrap();
        buckets.tidy(start + seconds(2));
        assert_eq!(buckets.levels().len(), 1);
    }
}
