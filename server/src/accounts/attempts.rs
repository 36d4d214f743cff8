//! Counts attempts per account and address, so that guessing passwords and mass sign-ups are slow.
//!
//! The count is taken before the work and given back when it was honest, so that parallel attempts are counted too. A window
//! begins with the first attempt and ends by itself; nobody is locked out for longer. Counts are per node.

use moka::future::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// One kind of attempt: at most `limit` per key and window; 0 switches it off.
#[derive(Clone)]
pub struct Attempts {
    limit: u32,
    window: Duration,
    counts: Cache<String, Arc<Count>>,
}

struct Count {
    begun: Instant,
    taken: AtomicU32,
}

/// Seconds to wait.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany(pub u64);

impl Attempts {
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, counts: Cache::builder().max_capacity(100_000).time_to_live(window).build() }
    }

    /// Takes one attempt.
    pub async fn take(&self, key: &str) -> Result<(), TooMany> {
        if self.limit == 0 {
            return Ok(());
        }
        let new = async { Arc::new(Count { begun: Instant::now(), taken: AtomicU32::new(0) }) };
        let count = self.counts.get_with_by_ref(key, new).await;
        if count.taken.fetch_add(1, Ordering::Relaxed) < self.limit {
            return Ok(());
        }
        count.taken.fetch_sub(1, Ordering::Relaxed);
        Err(TooMany(self.window.saturating_sub(count.begun.elapsed()).as_secs().max(1)))
    }

    /// Gives one attempt back: it was honest.
    pub async fn give_back(&self, key: &str) {
        if let Some(count) = self.counts.get(key).await {
            let _ =
                count.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| taken.checked_sub(1));
        }
    }

    /// Forgets all attempts of this key.
    pub async fn forget(&self, key: &str) {
        self.counts.invalidate(key).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_the_limit_one_is_told_how_long_to_wait() {
        let attempts = Attempts::new(2, Duration::from_secs(900));
        attempts.take("ann").await.unwrap();
        attempts.take("ann").await.unwrap();

        let TooMany(seconds) = attempts.take("ann").await.unwrap_err();

        assert!((1..=900).contains(&seconds));
        attempts.take("bob").await.unwrap();
        attempts.give_back("ann").await;
        attempts.take("ann").await.unwrap();
        attempts.forget("ann").await;
        attempts.take("ann").await.unwrap();
    }

    #[tokio::test]
    async fn a_limit_of_zero_is_none() {
        let attempts = Attempts::new(0, Duration::from_secs(900));
        for _ in 0..100 {
            attempts.take("ann").await.unwrap();
        }
    }
}
