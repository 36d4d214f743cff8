//! Who is written next: one entry of each tenant in turn, so that nobody waits behind another's flood.
//!
//! The entries of one tenant keep their order. `Room` bounds what waits: a quarter of the memory for one tenant, and all of it for
//! all together.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) type Tenant = [u8; 16];

/// Entries in the order in which they are written.
pub(crate) struct FairQueue<T> {
    of: HashMap<Tenant, VecDeque<T>>,
    turns: VecDeque<Tenant>,
}

impl<T> FairQueue<T> {
    pub fn new() -> Self {
        Self { of: HashMap::new(), turns: VecDeque::new() }
    }

    pub fn push(&mut self, tenant: Tenant, entry: T) {
        let own = self.of.entry(tenant).or_default();
        if own.is_empty() {
            self.turns.push_back(tenant);
        }
        own.push_back(entry);
    }

    /// The next entry, unless `fits` says that it has to wait for the next group.
    pub fn pop_if(&mut self, fits: impl FnOnce(&T) -> bool) -> Option<T> {
        let tenant = *self.turns.front()?;
        let own = self.of.get_mut(&tenant)?;
        if !fits(own.front()?) {
            return None;
        }
        self.turns.pop_front();
        let entry = own.pop_front();
        if own.is_empty() {
            self.of.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        entry
    }
}

/// Bytes that wait to be written, by tenant.
pub(crate) struct Room {
    limit: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    of: HashMap<Tenant, usize>,
}

impl Room {
    pub fn new(limit: usize) -> Self {
        Self { limit, waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so much more of this tenant may wait. Its first entry only has to fit beside the others', and the first of all
    /// always does.
    pub fn take(&self, tenant: Tenant, bytes: usize) -> bool {
        let mut waiting = self.waiting();
        let own = waiting.of.get(&tenant).copied().unwrap_or(0);
        let is_too_much = own > 0 && own + bytes > self.limit / 4;
        if is_too_much || (waiting.all > 0 && waiting.all + bytes > self.limit) {
            return false;
        }
        waiting.all += bytes;
        waiting.of.insert(tenant, own + bytes);
        true
    }

    pub fn give_back(&self, tenant: Tenant, bytes: usize) {
        let mut waiting = self.waiting();
        waiting.all -= bytes;
        let own = waiting.of.get_mut(&tenant).map_or(0, |own| {
            *own -= bytes;
            *own
        });
        if own == 0 {
            waiting.of.remove(&tenant);
        }
    }

    pub fn used(&self) -> usize {
        self.waiting().all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOD: Tenant = [1; 16];
    const QUIET: Tenant = [2; 16];

    #[test]
    fn tenants_take_turns_and_each_keeps_its_order() {
        let mut queue = FairQueue::new();
        (0..3).for_each(|number| queue.push(FLOOD, ("flood", number)));
        queue.push(QUIET, ("quiet", 0));
        queue.push(FLOOD, ("flood", 3));

        let order: Vec<_> = std::iter::from_fn(|| queue.pop_if(|_| true)).collect();

        assert_eq!(order, [("flood", 0), ("quiet", 0), ("flood", 1), ("flood", 2), ("flood", 3)]);
    }

    #[test]
    fn what_does_not_fit_stays_first() {
        let mut queue = FairQueue::new();
        queue.push(FLOOD, 1);
        queue.push(QUIET, 2);

        assert_eq!(queue.pop_if(|_| false), None);
        assert_eq!([queue.pop_if(|_| true), queue.pop_if(|_| true)], [Some(1), Some(2)]);
    }

    #[test]
    fn a_flood_leaves_room_for_others() {
        let room = Room::new(100);
        assert!(room.take(FLOOD, 20));
        assert!(!room.take(FLOOD, 20), "more than a quarter");

        assert!(room.take(QUIET, 80));
        assert!(!room.take([3; 16], 1), "there is no more");
        room.give_back(FLOOD, 20);
        assert!(room.take(FLOOD, 20) && room.used() == 100);
    }

    #[test]
    fn the_first_of_all_always_fits() {
        let room = Room::new(100);
        assert!(room.take(FLOOD, 500));
        assert!(!room.take(QUIET, 1));
    }
}
