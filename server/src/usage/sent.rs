//! What each of many has sent on a day: what is written down, and what is on its way.

use super::count::{Amount, KeyId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    stored: Amount,
    waiting: Amount,
}

/// By who and day.
pub type Amounts<K> = HashMap<(K, i64), Amount>;

/// The same by organization.
pub fn by_organization(amounts: &Amounts<KeyId>) -> Amounts<Uuid> {
    let mut sums = Amounts::new();
    for (((organization_id, _), day), amount) in amounts {
        sums.entry((*organization_id, *day)).or_default().add(*amount);
    }
    sums
}

/// Of those who are told apart by `K`.
pub struct SentBy<K>(Mutex<HashMap<(K, i64), Sent>>);

impl<K> Default for SentBy<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash> SentBy<K> {
    fn sent(&self) -> MutexGuard<'_, HashMap<(K, i64), Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of a day, as far as this node knows.
    pub fn on(&self, who: K, day: i64) -> Amount {
        let Sent { stored: mut sum, waiting } = self.sent().get(&(who, day)).copied().unwrap_or_default();
        sum.add(waiting);
        sum
    }

    /// Who has sent anything on this day.
    pub fn senders(&self, day: i64) -> Vec<K> {
        self.sent().keys().filter(|(_, on)| *on == day).map(|(who, _)| *who).collect()
    }

    /// Counts what was acknowledged and is not written down yet.
    pub fn accept(&self, who: K, day: i64, amount: Amount) {
        self.sent().entry((who, day)).or_default().waiting.add(amount);
    }

    /// Moves what was written down from one side to the other. `shipped` is what was acknowledged, stored or not.
    pub fn write_down(&self, stored: &Amounts<K>, shipped: &Amounts<K>) {
        let mut sent = self.sent();
        for (of, amount) in stored {
            sent.entry(*of).or_default().stored.add(*amount);
        }
        for (of, amount) in shipped {
            let waiting = &mut sent.entry(*of).or_default().waiting;
            waiting.events = waiting.events.saturating_sub(amount.events);
            waiting.bytes = waiting.bytes.saturating_sub(amount.bytes);
        }
    }

    /// Takes what all nodes have written down today, and forgets the days before.
    pub fn learn(&self, today: i64, stored: impl IntoIterator<Item = (K, Amount)>) {
        let mut sent = self.sent();
        sent.retain(|(_, day), sent| *day >= today || sent.waiting != Amount::default());
        for (who, amount) in stored {
            sent.entry((who, today)).or_default().stored = amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(events: u64) -> Amount {
        Amount { events, bytes: events * 10 }
    }

    #[test]
    fn what_is_written_down_counts_once_and_what_was_not_stored_counts_no_more() {
        let sent = SentBy::default();
        sent.accept(1, 7, events(60));
        sent.write_down(&HashMap::from([((1, 7), events(50))]), &HashMap::from([((1, 7), events(60))]));
        assert_eq!(sent.on(1, 7), events(50));
    }

    #[test]
    fn what_others_wrote_down_counts_and_days_that_are_over_are_forgotten() {
        let sent = SentBy::default();
        sent.accept(1, 6, events(1));
        sent.write_down(&HashMap::from([((2, 6), events(5))]), &HashMap::new());
        sent.accept(2, 7, events(3));

        sent.learn(7, [(2, events(100))]);

        assert_eq!(sent.on(2, 7), events(103));
        assert_eq!(sent.on(2, 6), Amount::default());
        assert_eq!(sent.on(1, 6), events(1), "it is still on its way");
        assert_eq!(sent.senders(7), [2]);
    }
}
