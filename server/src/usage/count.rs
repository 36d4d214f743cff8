//! Adds up stored events by project, day, key and source.

use super::sent::Amounts;
use crate::time::Micros;
use std::collections::HashMap;
use uuid::Uuid;

/// A project counts so many sources by name; the rest together.
pub const MOST_SOURCES: usize = 1000;
/// The sources that are not counted by name.
pub const OTHER_SOURCES: &str = "(other)";
/// Longer names are cut, for the index.
const SOURCE_BYTES: usize = 256;

/// Whose, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    pub organization_id: Uuid,
    pub project_id: Uuid,
    pub day: i64,
}

/// Organization and key; zeros for the key where people send themselves.
pub type KeyId = (Uuid, Uuid);

/// Events and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub events: u64,
    pub bytes: u64,
}

impl Amount {
    pub fn add(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    pub events: u64,
    pub bytes: u64,
    pub rejected: u64,
    pub masked: u64,
    pub last_at: Micros,
}

impl Numbers {
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.rejected += other.rejected;
        self.masked += other.masked;
        self.last_at = self.last_at.max(other.last_at);
    }

    #[must_use]
    pub fn amount(&self) -> Amount {
        Amount { events: self.events, bytes: self.bytes }
    }
}

/// Kind (`event` or `request`) and code of what was turned away.
pub type Refusal = (&'static str, String);

/// What is to be added to the counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    pub keys: HashMap<(Account, Uuid), Numbers>,
    pub sources: HashMap<Account, HashMap<String, Numbers>>,
    pub refusals: HashMap<(Account, Refusal), (u64, Micros)>,
}

impl Counted {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.refusals.is_empty()
    }

    /// Events of one source that came with one key.
    pub fn add_events(&mut self, account: Account, key_id: Uuid, source: &str, numbers: &Numbers) {
        self.keys.entry((account, key_id)).or_default().add(numbers);
        let sources = self.sources.entry(account).or_default();
        let name = cut(source);
        if let Some(known) = sources.get_mut(name) {
            known.add(numbers);
        } else {
            let name = if sources.len() < MOST_SOURCES { name } else { OTHER_SOURCES };
            sources.entry(name.to_owned()).or_default().add(numbers);
        }
    }

    /// What happened to events beside being stored.
    pub fn add_beside(&mut self, account: Account, key_id: Uuid, numbers: &Numbers) {
        self.keys.entry((account, key_id)).or_default().add(numbers);
    }

    pub fn add_refusal(&mut self, account: Account, kind: &'static str, code: &str, count: u64, at: Micros) {
        let (sum, last_at) = self.refusals.entry((account, (kind, code.to_owned()))).or_default();
        *sum += count;
        *last_at = (*last_at).max(at);
    }

    pub fn merge(&mut self, other: Self) {
        for ((account, key_id), numbers) in &other.keys {
            self.add_beside(*account, *key_id, numbers);
        }
        for (account, sources) in other.sources {
            let own = self.sources.entry(account).or_default();
            for (name, numbers) in sources {
                let name = if own.len() < MOST_SOURCES || own.contains_key(&name) {
                    name
                } else {
                    OTHER_SOURCES.into()
                };
                own.entry(name).or_default().add(&numbers);
            }
        }
        for ((account, (kind, code)), (count, at)) in other.refusals {
            self.add_refusal(account, kind, &code, count, at);
        }
    }

    /// Events and bytes of each key and day.
    #[must_use]
    pub fn by_key(&self) -> Amounts<KeyId> {
        let mut sums = Amounts::new();
        for ((account, key_id), numbers) in &self.keys {
            let of = ((account.organization_id, *key_id), account.day);
            sums.entry(of).or_default().add(numbers.amount());
        }
        sums
    }
}

fn cut(source: &str) -> &str {
    &source[..source.floor_char_boundary(SOURCE_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(project: u128) -> Account {
        Account { organization_id: Uuid::from_u128(1), project_id: Uuid::from_u128(project), day: 20_000 }
    }

    fn one(bytes: u64) -> Numbers {
        Numbers { events: 1, bytes, ..Numbers::default() }
    }

    #[test]
    fn sums_are_the_same_in_every_direction_and_however_they_are_merged() {
        let (mut whole, mut first, mut second) = (Counted::default(), Counted::default(), Counted::default());
        for number in 0..5000_u64 {
            let part = if number % 3 == 0 { &mut first } else { &mut second };
            for counted in [&mut whole, part] {
                let key_id = Uuid::from_u128(u128::from(number % 7));
                counted.add_events(
                    account(u128::from(number % 2)),
                    key_id,
                    &format!("s{}", number % 90),
                    &one(number),
                );
            }
        }
        first.merge(second);

        assert_eq!(first, whole);
        let bytes = (0..5000).sum::<u64>();
        let mut by_key = Amount::default();
        whole.by_key().into_values().for_each(|amount| by_key.add(amount));
        assert_eq!((whole.by_key().len(), by_key), (7, Amount { events: 5000, bytes }));
        let by_source =
            whole.sources.values().flat_map(HashMap::values).map(|numbers| numbers.bytes).sum::<u64>();
        assert_eq!(by_source, bytes);
    }

    #[test]
    fn sources_without_number_are_counted_together() {
        let mut counted = Counted::default();
        for number in 0..3 * MOST_SOURCES {
            counted.add_events(account(1), Uuid::nil(), &format!("pod-{number}"), &one(1));
        }
        let sources = &counted.sources[&account(1)];
        assert_eq!(sources.len(), MOST_SOURCES + 1);
        assert_eq!(sources[OTHER_SOURCES].events, 2 * MOST_SOURCES as u64);
    }
}
