//! How fast an organization, and a key with a limit of its own, may send: buckets that fill with time.
//!
//! Whoever has anything left may send a batch of any size, and pays for it afterwards: a batch larger than what was left leaves a
//! debt, and the next one is refused until it is paid. So it is known before a body is unpacked and decoded whether it may come in, and a
//! flood costs little more than its answers.

use super::limits::LimitError;
use crate::auth::IngestKey;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So much may come at once, in seconds of the rate.
const BURST_S: f64 = 2.0;

/// The rates of one node.
pub struct Rates {
    of_organization: PerSecond,
    bytes: Buckets<Payer>,
    events: Buckets<Payer>,
}

/// 0 is no limit.
#[derive(Clone, Copy)]
struct PerSecond {
    bytes: u64,
    events: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Payer {
    Key(Uuid, Uuid),
    Organization(Uuid),
}

impl Rates {
    /// Rates per second and organization; 0 switches a limit off. Twice as much may come at once.
    #[must_use]
    pub fn new(bytes_per_second: u64, events_per_second: u64) -> Self {
        let of_organization = PerSecond { bytes: bytes_per_second, events: events_per_second };
        Self { of_organization, bytes: Buckets::default(), events: Buckets::default() }
    }

    /// Who pays for what is sent with this key, and may send how much.
    fn payers(&self, key: &IngestKey) -> [(Payer, PerSecond); 2] {
        let organization_id = key.scope.organization_id();
        let own = PerSecond {
            bytes: key.limits.bytes_per_second.unwrap_or(0),
            events: key.limits.events_per_second.unwrap_or(0),
        };
        // Who sends without a key has no limit of their own.
        let payer = Payer::Key(organization_id, key.key_id.unwrap_or_default());
        [(payer, own), (Payer::Organization(organization_id), self.of_organization)]
    }

    /// Whether something may be sent with the key now, before its body is looked at.
    ///
    /// # Errors
    /// The key or its organization has sent too fast.
    pub fn check(&self, key: &IngestKey) -> Result<(), LimitError> {
        let (now, payers) = (Instant::now(), self.payers(key));
        self.bytes.check(&payers.map(|(who, rate)| (who, rate.bytes)), now).map_err(too_fast("bytes"))?;
        self.events.check(&payers.map(|(who, rate)| (who, rate.events)), now).map_err(too_fast("events"))
    }

    /// Counts a decoded body.
    ///
    /// # Errors
    /// Others came in meanwhile and left nothing: it is not counted.
    pub fn take_bytes(&self, key: &IngestKey, bytes: usize) -> Result<(), LimitError> {
        let payers = self.payers(key).map(|(who, rate)| (who, rate.bytes));
        self.bytes.take(&payers, bytes as f64, Instant::now()).map_err(too_fast("bytes"))
    }

    /// Counts events.
    ///
    /// # Errors
    /// Others came in meanwhile and left nothing: they are not counted.
    pub fn take_events(&self, key: &IngestKey, events: usize) -> Result<(), LimitError> {
        let payers = self.payers(key).map(|(who, rate)| (who, rate.events));
        self.events.take(&payers, events as f64, Instant::now()).map_err(too_fast("events"))
    }

    /// Forgets who has not sent for a while.
    pub fn tidy(&self) {
        let now = Instant::now();
        self.bytes.tidy(now);
        self.events.tidy(now);
    }
}

fn too_fast(what: &'static str) -> impl Fn(Empty<Payer>) -> LimitError {
    move |Empty { who, per_second, wait }| {
        let retry_after_s = wait.as_secs() + 1;
        match who {
            Payer::Key(..) => LimitError::KeyTooFast { what, per_second, retry_after_s },
            Payer::Organization(_) => LimitError::TooFast { what, retry_after_s },
        }
    }
}

/// One bucket for each of many, each filled at its own rate per second; 0 is none at all.
struct Buckets<K>(Mutex<HashMap<K, Level>>);

/// What was left at a moment; below zero is a debt.
#[derive(Clone, Copy)]
struct Level {
    left: f64,
    at: Instant,
    per_second: u64,
}

/// Whose bucket has nothing left, and how long it takes until it has.
#[derive(Debug, PartialEq, Eq)]
struct Empty<K> {
    who: K,
    per_second: u64,
    wait: Duration,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    fn levels(&self) -> MutexGuard<'_, HashMap<K, Level>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is left for all of these.
    fn check(&self, payers: &[(K, u64)], now: Instant) -> Result<(), Empty<K>> {
        admit(&self.levels(), payers, now)
    }

    /// Takes from the buckets of all of these, or from none.
    fn take(&self, payers: &[(K, u64)], amount: f64, now: Instant) -> Result<(), Empty<K>> {
        let mut levels = self.levels();
        admit(&levels, payers, now)?;
        for (who, per_second) in payers.iter().copied().filter(|(_, per_second)| *per_second > 0) {
            let left = left(levels.get(&who), per_second, now) - amount;
            levels.insert(who, Level { left, at: now, per_second });
        }
        Ok(())
    }

    /// Forgets who is full again.
    fn tidy(&self, now: Instant) {
        self.levels().retain(|_, level| left(Some(level), level.per_second, now) < full(level.per_second));
    }
}

fn admit<K: Copy + Eq + Hash>(
    levels: &HashMap<K, Level>,
    payers: &[(K, u64)],
    now: Instant,
) -> Result<(), Empty<K>> {
    for (who, per_second) in payers.iter().copied().filter(|(_, per_second)| *per_second > 0) {
        let left = left(levels.get(&who), per_second, now);
        if left <= 0.0 {
            let wait = Duration::from_secs_f64(-left / per_second as f64);
            return Err(Empty { who, per_second, wait });
        }
    }
    Ok(())
}

/// How much is left for somebody who may send so much per second by now.
fn left(level: Option<&Level>, per_second: u64, now: Instant) -> f64 {
    level.map_or(full(per_second), |level| {
        let since = now.saturating_duration_since(level.at).as_secs_f64();
        (level.left + since * per_second as f64).min(full(per_second))
    })
}

fn full(per_second: u64) -> f64 {
    per_second as f64 * BURST_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::TenantScope;
    use api_types::accounts::IngestLimits;

    const ONE: (Uuid, u64) = (Uuid::from_u128(1), 100);
    const OTHER: (Uuid, u64) = (Uuid::from_u128(2), 100);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn key_with(organization: u128, key: u128, limits: IngestLimits) -> IngestKey {
        let scope = TenantScope::of_job(Uuid::from_u128(organization));
        let key_id = Some(Uuid::from_u128(key));
        IngestKey { key_id, limits, ..IngestKey::of_project(scope, Uuid::nil(), 30) }
    }

    fn key_of(organization: u128) -> IngestKey {
        key_with(organization, 7, IngestLimits::default())
    }

    #[test]
    fn an_organization_that_sends_too_fast_is_told_when_to_come_back() {
        let rates = Rates::new(0, 100);
        rates.check(&key_of(1)).unwrap();
        rates.take_events(&key_of(1), 350).unwrap();
        assert!(rates.take_events(&key_of(1), 1).is_err(), "somebody else of it was faster");

        let answer = rates.check(&key_of(1));

        assert!(
            matches!(answer, Err(LimitError::TooFast { what: "events", retry_after_s: 2 })),
            "{answer:?}"
        );
        assert!(rates.check(&key_of(2)).is_ok(), "another organization is not touched");
    }

    #[test]
    fn a_key_that_sends_too_fast_is_told_so_and_others_of_its_organization_go_on() {
        let rates = Rates::new(0, 1000);
        let slow = IngestLimits { events_per_second: Some(10), ..IngestLimits::default() };
        let (limited, free) = (key_with(1, 7, slow), key_with(1, 8, IngestLimits::default()));
        rates.take_events(&limited, 35).unwrap();

        let answer = rates.check(&limited);

        assert!(
            matches!(
                answer,
                Err(LimitError::KeyTooFast { what: "events", per_second: 10, retry_after_s: 2 })
            ),
            "{answer:?}"
        );
        assert!(rates.check(&free).is_ok());
        rates.take_events(&free, 5000).unwrap();
        assert!(
            matches!(rates.check(&free), Err(LimitError::TooFast { .. })),
            "both pay for the organization"
        );
        let lifted = key_with(1, 7, IngestLimits::default());
        assert!(
            matches!(rates.check(&lifted), Err(LimitError::TooFast { .. })),
            "the organization's counts for all"
        );
    }

    #[test]
    fn what_one_may_not_send_nobody_pays_for() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        buckets.take(&[ONE], 1000.0, start).unwrap();

        let refused = buckets.take(&[OTHER, ONE], 10.0, start);

        assert_eq!(refused, Err(Empty { who: ONE.0, per_second: 100, wait: seconds(8) }));
        assert_eq!(buckets.levels().len(), 1);
    }

    #[test]
    fn a_batch_larger_than_the_burst_comes_in_and_is_paid_for() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        buckets.take(&[ONE], 1000.0, start).unwrap();

        assert_eq!(buckets.check(&[ONE], start).map_err(|empty| empty.wait), Err(seconds(8)));
        assert!(buckets.check(&[ONE], start + seconds(7)).is_err());
        assert!(buckets.check(&[ONE], start + seconds(9)).is_ok());
    }

    #[test]
    fn another_rate_counts_at_once() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        buckets.take(&[ONE], 1000.0, start).unwrap();
        assert!(buckets.check(&[(ONE.0, 1000)], start + seconds(1)).is_ok());
        assert!(buckets.check(&[(ONE.0, 0)], start).is_ok(), "none any more");
    }

    #[test]
    fn over_a_long_time_the_rate_holds() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        let mut taken = 0;
        for millisecond in 0..100_000 {
            let now = start + Duration::from_millis(millisecond);
            if buckets.take(&[ONE], 70.0, now).is_ok() {
                taken += 70;
            }
        }
        assert!((10_000..=10_300).contains(&taken), "{taken} in 100 s");
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let rates = Rates::new(0, 0);
        rates.take_events(&key_of(1), 1_000_000).unwrap();
        rates.take_bytes(&key_of(1), 1 << 40).unwrap();
        assert!(rates.check(&key_of(1)).is_ok());
    }

    #[test]
    fn who_is_full_again_is_forgotten() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        buckets.take(&[ONE], 50.0, start).unwrap();
        buckets.take(&[OTHER], 1000.0, start).unwrap();
        buckets.tidy(start + seconds(2));
        assert_eq!(buckets.levels().len(), 1);
    }
}
