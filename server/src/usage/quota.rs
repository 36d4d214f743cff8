//! Daily limits of an organization: events and bytes, by what is written down plus what is on its way.
//!
//! One node knows what it has accepted itself at once, and what others have stored within ten seconds; so a limit may be
//! passed by what several nodes take in that time, and by the batch with which it is reached.

use super::{UsageError, day_of, store};
use crate::config::Settings;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::time::{DAY_US, SECOND_US, now_us};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use uuid::Uuid;

/// Warnings go out when so many percent are used.
pub const WARN_AT: [u64; 2] = [80, 100];

#[derive(Debug, thiserror::Error)]
#[error(
    "your organization has used its {limit} {what} of today (UTC); what is sent until midnight is not taken. Ask your operator for a higher quota"
)]
pub struct QuotaError {
    what: &'static str,
    limit: u64,
    retry_after_s: u64,
}

impl Problem for QuotaError {
    fn kind(&self) -> ProblemKind {
        ProblemKind::TooManyRequests { code: "daily_quota_reached", retry_after_s: self.retry_after_s }
    }
}

/// Events and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub events: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    stored: Amount,
    waiting: Amount,
}

/// Clones are the same.
#[derive(Clone)]
pub struct Quota(Arc<Inner>);

struct Inner {
    /// 0 is no limit.
    limit: Amount,
    used: Mutex<HashMap<(Uuid, i64), Used>>,
    crossed: Notify,
}

impl Quota {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let limit = Amount { events: settings.quota_daily_events, bytes: settings.quota_daily_bytes };
        Self(Arc::new(Inner { limit, used: Mutex::default(), crossed: Notify::new() }))
    }

    #[must_use]
    pub fn limit(&self) -> Amount {
        self.0.limit
    }

    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.limit == Amount::default()
    }

    /// Whether the organization may send now.
    ///
    /// # Errors
    /// 429: today's events or bytes are used.
    pub fn check(&self, organization_id: Uuid) -> Result<(), QuotaError> {
        if self.is_off() {
            return Ok(());
        }
        let (used, limit, now) = (self.used_today(organization_id), self.0.limit, now_us());
        let retry_after_s = ((DAY_US - now.rem_euclid(DAY_US)) / SECOND_US) as u64 + 1;
        for (what, used, limit) in [("events", used.events, limit.events), ("bytes", used.bytes, limit.bytes)]
        {
            if limit > 0 && used >= limit {
                return Err(QuotaError { what, limit, retry_after_s });
            }
        }
        Ok(())
    }

    /// What the organization has sent today, as far as this node knows.
    #[must_use]
    pub fn used_today(&self, organization_id: Uuid) -> Amount {
        let used = self.used().get(&(organization_id, day_of(now_us()))).copied().unwrap_or_default();
        Amount {
            events: used.stored.events + used.waiting.events,
            bytes: used.stored.bytes + used.waiting.bytes,
        }
    }

    /// Counts what was acknowledged and is not written down yet.
    pub fn note_accepted(&self, organization_id: Uuid, day: i64, amount: Amount) {
        if self.is_off() {
            return;
        }
        let before = self.highest_percent(organization_id);
        let mut used = self.used();
        let waiting = &mut used.entry((organization_id, day)).or_default().waiting;
        waiting.events += amount.events;
        waiting.bytes += amount.bytes;
        drop(used);
        let after = self.highest_percent(organization_id);
        if WARN_AT.iter().any(|percent| before < *percent && after >= *percent) {
            self.0.crossed.notify_one();
        }
    }

    /// Moves what was written down from one side to the other. `refused` is what was accepted and not stored.
    pub fn note_stored(
        &self,
        stored: &HashMap<(Uuid, i64), (u64, u64)>,
        shipped: &HashMap<(Uuid, i64), (u64, u64)>,
    ) {
        if self.is_off() {
            return;
        }
        let mut used = self.used();
        for (of, (events, bytes)) in stored {
            let sum = &mut used.entry(*of).or_default().stored;
            sum.events += events;
            sum.bytes += bytes;
        }
        for (of, (events, bytes)) in shipped {
            let waiting = &mut used.entry(*of).or_default().waiting;
            waiting.events = waiting.events.saturating_sub(*events);
            waiting.bytes = waiting.bytes.saturating_sub(*bytes);
        }
    }

    /// Reads what all nodes have written down today.
    ///
    /// # Errors
    /// The database does not answer; what was known before goes on counting.
    pub async fn refresh(&self, db: &Db) -> Result<(), UsageError> {
        if self.is_off() {
            return Ok(());
        }
        let today = day_of(now_us());
        let sums = store::of_day(db, today).await?;
        let mut used = self.used();
        used.retain(|(_, day), used| *day >= today || used.waiting != Amount::default());
        for (organization_id, events, bytes) in sums {
            let stored = Amount { events: events as u64, bytes: bytes as u64 };
            used.entry((organization_id, today)).or_default().stored = stored;
        }
        Ok(())
    }

    /// Organizations that have used at least the lowest percentage at which a warning goes out, with what they have used.
    #[must_use]
    pub fn to_be_warned(&self) -> Vec<(Uuid, u64)> {
        let today = day_of(now_us());
        let organizations: Vec<Uuid> =
            self.used().keys().filter(|(_, day)| *day == today).map(|(id, _)| *id).collect();
        organizations
            .into_iter()
            .map(|id| (id, self.highest_percent(id)))
            .filter(|(_, percent)| *percent >= WARN_AT[0])
            .collect()
    }

    /// Completes when somebody has crossed a percentage at which a warning goes out.
    pub async fn crossed(&self) {
        self.0.crossed.notified().await;
    }

    fn highest_percent(&self, organization_id: Uuid) -> u64 {
        let (used, limit) = (self.used_today(organization_id), self.0.limit);
        let percent = |used: u64, limit: u64| (used.saturating_mul(100)).checked_div(limit).unwrap_or(0);
        percent(used.events, limit.events).max(percent(used.bytes, limit.bytes))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<(Uuid, i64), Used>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(events: u64, bytes: u64) -> Quota {
        let defaults = crate::config::defaults_for_tests();
        Quota::of(&Settings { quota_daily_events: events, quota_daily_bytes: bytes, ..defaults })
    }

    #[test]
    fn a_day_ends_with_its_events_or_its_bytes_and_begins_anew() {
        let (one, other, today) = (Uuid::from_u128(1), Uuid::from_u128(2), day_of(now_us()));
        let quota = quota(100, 1000);
        quota.note_accepted(one, today - 1, Amount { events: 100, bytes: 0 });
        assert!(quota.check(one).is_ok(), "yesterday does not count");
        quota.note_accepted(one, today, Amount { events: 99, bytes: 999 });
        assert!(quota.check(one).is_ok());

        quota.note_accepted(one, today, Amount { events: 0, bytes: 1 });

        let error = quota.check(one).unwrap_err();
        assert!(matches!(
            error.kind(),
            ProblemKind::TooManyRequests { code: "daily_quota_reached", retry_after_s: 1..=86_401 }
        ));
        assert!(quota.check(other).is_ok());
        assert_eq!(quota.to_be_warned(), [(one, 100)]);
    }

    #[test]
    fn what_is_written_down_counts_once() {
        let (one, today) = (Uuid::from_u128(1), day_of(now_us()));
        let quota = quota(100, 0);
        quota.note_accepted(one, today, Amount { events: 60, bytes: 6 });
        let sums = |events, bytes| HashMap::from([((one, today), (events, bytes))]);
        quota.note_stored(&sums(50, 5), &sums(60, 6));
        assert_eq!(quota.used_today(one), Amount { events: 50, bytes: 5 });
    }

    #[test]
    fn no_limit_is_no_limit() {
        let quota = quota(0, 0);
        quota.note_accepted(Uuid::nil(), day_of(now_us()), Amount { events: u64::MAX, bytes: u64::MAX });
        assert!(quota.check(Uuid::nil()).is_ok());
    }
}
