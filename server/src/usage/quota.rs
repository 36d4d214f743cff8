//! Daily limits of an organization, and of a key that has its own: events and bytes, by what is written down plus what is on its way.
//!
//! One node knows what it has accepted itself at once, and what others have stored, and what the operator has set in a plan,
//! within ten seconds; so a limit may be passed by what several nodes take in that time, and by the batch with which it is reached.

use super::count::{Amount, KeyId};
use super::plan::{self, Limits, Plan};
use super::sent::{Amounts, SentBy, by_organization};
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
pub enum QuotaError {
    #[error(
        "your organization has used its {limit} {what} of today (UTC); what is sent until midnight is not taken. Ask your operator for a higher quota"
    )]
    OfOrganization { what: &'static str, limit: u64, retry_after_s: u64 },
    #[error(
        "this API key has used its {limit} {what} of today (UTC); what is sent with it until midnight is not taken. Ask who manages the keys of your organization for a higher limit"
    )]
    OfKey { what: &'static str, limit: u64, retry_after_s: u64 },
}

impl Problem for QuotaError {
    fn kind(&self) -> ProblemKind {
        let (code, retry_after_s) = match self {
            Self::OfOrganization { retry_after_s, .. } => ("daily_quota_reached", *retry_after_s),
            Self::OfKey { retry_after_s, .. } => ("key_daily_quota_reached", *retry_after_s),
        };
        ProblemKind::TooManyRequests { code, retry_after_s }
    }
}

/// Clones are the same.
#[derive(Clone)]
pub struct Quota(Arc<Inner>);

struct Inner {
    defaults: Limits,
    plans: Mutex<HashMap<Uuid, Plan>>,
    organizations: SentBy<Uuid>,
    keys: SentBy<KeyId>,
    crossed: Notify,
}

impl Quota {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            defaults: Limits::of(settings),
            plans: Mutex::default(),
            organizations: SentBy::default(),
            keys: SentBy::default(),
            crossed: Notify::new(),
        }))
    }

    /// What the organization may send in a day; 0 is no limit.
    #[must_use]
    pub fn limit(&self, organization_id: Uuid) -> Amount {
        let plan = self.plans().get(&organization_id).copied().unwrap_or_default();
        self.0.defaults.under(plan).daily
    }

    /// Whether the organization may send now.
    ///
    /// # Errors
    /// 429: today's events or bytes are used.
    pub fn check(&self, organization_id: Uuid) -> Result<(), QuotaError> {
        let (used, limit) = (self.used_today(organization_id), self.limit(organization_id));
        match used_up(used, limit) {
            None => Ok(()),
            Some((what, limit)) => {
                Err(QuotaError::OfOrganization { what, limit, retry_after_s: rest_of_day_s() })
            }
        }
    }

    /// Whether something may be sent with a key now that has this limit of its own.
    ///
    /// # Errors
    /// 429: today's events or bytes are used.
    pub fn check_key(&self, key: KeyId, limit: Amount) -> Result<(), QuotaError> {
        match used_up(self.0.keys.on(key, day_of(now_us())), limit) {
            None => Ok(()),
            Some((what, limit)) => Err(QuotaError::OfKey { what, limit, retry_after_s: rest_of_day_s() }),
        }
    }

    /// What the organization has sent today, as far as this node knows.
    #[must_use]
    pub fn used_today(&self, organization_id: Uuid) -> Amount {
        self.0.organizations.on(organization_id, day_of(now_us()))
    }

    /// Counts what was acknowledged and is not written down yet.
    pub fn note_accepted(&self, key: KeyId, day: i64, amount: Amount) {
        let (organization_id, _) = key;
        self.0.keys.accept(key, day, amount);
        let before = self.highest_percent(organization_id);
        self.0.organizations.accept(organization_id, day, amount);
        let after = self.highest_percent(organization_id);
        if WARN_AT.iter().any(|percent| before < *percent && after >= *percent) {
            self.0.crossed.notify_one();
        }
    }

    /// Moves what was written down from one side to the other. `shipped` is what was acknowledged, stored or not.
    pub fn note_stored(&self, stored: &Amounts<KeyId>, shipped: &Amounts<KeyId>) {
        self.0.keys.write_down(stored, shipped);
        self.0.organizations.write_down(&by_organization(stored), &by_organization(shipped));
    }

    /// Reads the plans, and what all nodes have written down today: of keys only where they have a limit.
    ///
    /// # Errors
    /// The database does not answer; what was known before goes on counting.
    pub async fn refresh(&self, db: &Db) -> Result<(), UsageError> {
        let plans = plan::all(db).await?;
        *self.plans() = plans;
        let today = day_of(now_us());
        self.0.organizations.learn(today, store::of_day(db, today).await?);
        self.0.keys.learn(today, store::of_day_by_key(db, today).await?);
        Ok(())
    }

    /// Organizations that have used at least the lowest percentage at which a warning goes out, with what they have used.
    #[must_use]
    pub fn to_be_warned(&self) -> Vec<(Uuid, u64)> {
        let organizations = self.0.organizations.senders(day_of(now_us()));
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
        let (used, limit) = (self.used_today(organization_id), self.limit(organization_id));
        let percent = |used: u64, limit: u64| (used.saturating_mul(100)).checked_div(limit).unwrap_or(0);
        percent(used.events, limit.events).max(percent(used.bytes, limit.bytes))
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<Uuid, Plan>> {
        self.0.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which limit is used up, if one is.
fn used_up(used: Amount, limit: Amount) -> Option<(&'static str, u64)> {
    [("events", used.events, limit.events), ("bytes", used.bytes, limit.bytes)]
        .into_iter()
        .find(|(_, used, limit)| *limit > 0 && used >= limit)
        .map(|(what, _, limit)| (what, limit))
}

fn rest_of_day_s() -> u64 {
    ((DAY_US - now_us().rem_euclid(DAY_US)) / SECOND_US).unsigned_abs() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(events: u64, bytes: u64) -> Quota {
        let defaults = crate::config::defaults_for_tests();
        Quota::of(&Settings { quota_daily_events: events, quota_daily_bytes: bytes, ..defaults })
    }

    /// A key of the organization.
    fn with(organization_id: Uuid) -> KeyId {
        (organization_id, Uuid::from_u128(9))
    }

    #[test]
    fn a_day_ends_with_its_events_or_its_bytes_and_begins_anew() {
        let (one, other, today) = (Uuid::from_u128(1), Uuid::from_u128(2), day_of(now_us()));
        let quota = quota(100, 1000);
        quota.note_accepted(with(one), today - 1, Amount { events: 100, bytes: 0 });
        assert!(quota.check(one).is_ok(), "yesterday does not count");
        quota.note_accepted(with(one), today, Amount { events: 99, bytes: 999 });
        assert!(quota.check(one).is_ok());

        quota.note_accepted(with(one), today, Amount { events: 0, bytes: 1 });

        let error = quota.check(one).unwrap_err();
        assert!(matches!(
            error.kind(),
            ProblemKind::TooManyRequests { code: "daily_quota_reached", retry_after_s: 1..=86_401 }
        ));
        assert!(quota.check(other).is_ok());
        assert_eq!(quota.to_be_warned(), [(one, 100)]);
    }

    #[test]
    fn a_plan_counts_instead_of_the_setting_and_goes_away_with_it() {
        let (one, other, today) = (Uuid::from_u128(1), Uuid::from_u128(2), day_of(now_us()));
        let quota = quota(100, 0);
        for organization in [one, other] {
            quota.note_accepted(with(organization), today, Amount { events: 100, bytes: 0 });
        }
        quota.plans().insert(one, Plan { daily_events: Some(1000), ..Plan::default() });
        assert!(quota.check(one).is_ok());
        assert!(quota.check(other).is_err());
        assert_eq!(quota.to_be_warned(), [(other, 100)]);

        quota.plans().insert(other, Plan { daily_events: Some(0), ..Plan::default() });
        assert!(quota.check(other).is_ok(), "none at all");
        quota.plans().clear();
        assert!(quota.check(one).is_err() && quota.check(other).is_err());
    }

    #[test]
    fn a_key_is_held_to_its_own_limit_and_others_of_its_organization_go_on() {
        let (noisy, other) = (with(Uuid::from_u128(1)), (Uuid::from_u128(1), Uuid::from_u128(8)));
        let (quota, today) = (quota(0, 0), day_of(now_us()));
        let limit = Amount { events: 10, bytes: 0 };
        quota.note_accepted(noisy, today, Amount { events: 10, bytes: 1 });
        quota.note_accepted(other, today, Amount { events: 9, bytes: 1 });
        let stored = Amounts::from([((noisy, today), Amount { events: 8, bytes: 1 })]);
        assert!(quota.check_key(noisy, limit).is_err());
        assert!(quota.check_key(noisy, Amount::default()).is_ok(), "it has no limit any more");
        assert!(quota.check_key(other, limit).is_ok());
        assert_eq!(quota.used_today(noisy.0).events, 19);

        let shipped = Amounts::from([((noisy, today), Amount { events: 10, bytes: 1 })]);
        quota.note_stored(&stored, &shipped);

        assert!(quota.check_key(noisy, limit).is_ok(), "two of them were not stored");
        assert_eq!(quota.used_today(noisy.0).events, 17);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let quota = quota(0, 0);
        quota.note_accepted(
            with(Uuid::nil()),
            day_of(now_us()),
            Amount { events: u64::MAX, bytes: u64::MAX },
        );
        assert!(quota.check(Uuid::nil()).is_ok());
    }
}
