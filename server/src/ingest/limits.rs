//! How much one organization may send, and how much memory all bodies together may take.
//!
//! An organization that sends too fast is told when to come back (429). Bodies that do not fit into memory are refused (503)
//! before they are read, so that a flood costs answers and not the process.

use crate::error::{Problem, ProblemKind};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, InsufficientCapacity, NotUntil, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    #[error(
        "too many {what} per second; try again in {retry_after_s} s, or ask your operator for a higher limit"
    )]
    TooFast { what: &'static str, retry_after_s: u64 },
    #[error("too many requests are being read; try again shortly")]
    Busy,
}

impl Problem for LimitError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::TooFast { retry_after_s, .. } => {
                ProblemKind::TooManyRequests { code: "rate_limited", retry_after_s: *retry_after_s }
            }
            Self::Busy => ProblemKind::Unavailable { code: "busy", retry_after_s: 1 },
        }
    }
}

type Limiter = DefaultKeyedRateLimiter<Uuid>;

/// The rates of one node.
pub struct Rates {
    kibibytes: Option<Limiter>,
    events: Option<Limiter>,
}

impl Rates {
    /// Rates per second and organization; 0 switches a limit off. Twice as much may come at once.
    #[must_use]
    pub fn new(bytes_per_second: u64, events_per_second: u64) -> Self {
        Self { kibibytes: limiter(bytes_per_second.div_ceil(1024)), events: limiter(events_per_second) }
    }

    /// Counts a decoded body of the organization.
    ///
    /// # Errors
    /// When it sends too fast: nothing is counted then.
    pub fn take_bytes(&self, organization_id: Uuid, bytes: usize) -> Result<(), LimitError> {
        take(self.kibibytes.as_ref(), organization_id, bytes.div_ceil(1024), "bytes")
    }

    /// Counts events of the organization.
    ///
    /// # Errors
    /// When it sends too fast: nothing is counted then.
    pub fn take_events(&self, organization_id: Uuid, events: usize) -> Result<(), LimitError> {
        take(self.events.as_ref(), organization_id, events, "events")
    }

    /// Forgets organizations that have not sent for a while.
    pub fn tidy(&self) {
        for limiter in [&self.kibibytes, &self.events].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

fn limiter(per_second: u64) -> Option<Limiter> {
    let per_second = NonZeroU32::new(per_second.min(u64::from(u32::MAX / 2)) as u32)?;
    Some(RateLimiter::keyed(
        Quota::per_second(per_second).allow_burst(per_second.saturating_add(per_second.get())),
    ))
}

fn take(
    limiter: Option<&Limiter>,
    organization_id: Uuid,
    count: usize,
    what: &'static str,
) -> Result<(), LimitError> {
    let (Some(limiter), Some(count)) = (limiter, NonZeroU32::new(count.min(u32::MAX as usize) as u32)) else {
        return Ok(());
    };
    let wait = |not_until: NotUntil<_>| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        LimitError::TooFast { what, retry_after_s: wait.as_secs() + 1 }
    };
    match limiter.check_key_n(&organization_id, count) {
        Ok(answer) => answer.map_err(wait),
        // More than a whole burst: it passes when nothing else came for a while.
        Err(InsufficientCapacity(burst)) => match NonZeroU32::new(burst) {
            Some(burst) => limiter.check_key_n(&organization_id, burst).unwrap_or(Ok(())).map_err(wait),
            None => Ok(()),
        },
    }
}

/// Memory for bodies that are being worked on.
#[derive(Clone, Debug)]
pub struct Memory {
    free: Arc<AtomicUsize>,
}

/// A share of the memory, given back when dropped.
#[derive(Debug)]
pub struct Share {
    memory: Memory,
    bytes: usize,
}

impl Memory {
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Takes `bytes`.
    ///
    /// # Errors
    /// When they are not free.
    pub fn take(&self, bytes: usize) -> Result<Share, LimitError> {
        let taken = self
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes))
            .map_err(|_| LimitError::Busy);
        taken.map(|_| Share { memory: self.clone(), bytes })
    }
}

impl Share {
    /// Takes more, once it is known how much is needed.
    ///
    /// # Errors
    /// When it is not free; the share stays as it is.
    pub fn grow(&mut self, bytes: usize) -> Result<(), LimitError> {
        let mut more = self.memory.take(bytes)?;
        self.bytes += std::mem::take(&mut more.bytes);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_that_sends_too_fast_is_told_when_to_come_back() {
        let rates = Rates::new(0, 100);
        let (fast, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(rates.take_events(fast, 200).is_ok());

        let answer = rates.take_events(fast, 50);

        assert!(matches!(answer, Err(LimitError::TooFast { what: "events", retry_after_s: 1 })));
        assert!(rates.take_events(other, 200).is_ok(), "another organization is not touched");
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_when_nothing_else_came() {
        let rates = Rates::new(1 << 20, 100);
        let id = Uuid::from_u128(1);
        assert!(rates.take_events(id, 5000).is_ok());
        assert!(rates.take_events(id, 5000).is_err());
        assert!(rates.take_bytes(id, 20 << 20).is_ok());
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let rates = Rates::new(0, 0);
        for _ in 0..100 {
            assert!(rates.take_events(Uuid::nil(), 1_000_000).is_ok());
            assert!(rates.take_bytes(Uuid::nil(), 1 << 30).is_ok());
        }
    }

    #[test]
    fn memory_is_given_back() {
        let memory = Memory::new(100);
        let mut share = memory.take(60).unwrap();
        assert!(matches!(memory.take(60), Err(LimitError::Busy)));
        assert!(share.grow(50).is_err());
        share.grow(40).unwrap();
        drop(share);
        assert!(memory.take(100).is_ok());
    }
}
