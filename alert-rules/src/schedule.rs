//! When a rule is evaluated, and over which window.

use crate::Micros;

/// A slot that was missed by more than this is not made up for: the present is evaluated instead.
pub const CATCH_UP_US: Micros = 10 * 60 * 1_000_000;

/// The slots of one rule: every `every_us`, shifted by an offset of its own, so that rules spread over the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    every_us: Micros,
    delay_us: Micros,
    offset_us: Micros,
}

impl Schedule {
    /// `seed` is the rule's id: the same rule keeps its slots, whichever node evaluates it.
    #[must_use]
    pub fn new(every_us: Micros, delay_us: Micros, seed: u128) -> Self {
        let every_us = every_us.max(1);
        let offset_us = i64::try_from(mix(seed) % every_us.unsigned_abs()).unwrap_or(0);
        Self { every_us, delay_us, offset_us }
    }

    /// The latest slot that is not after `now`.
    #[must_use]
    pub fn slot_at_or_before(&self, now: Micros) -> Micros {
        now - (now - self.offset_us).rem_euclid(self.every_us)
    }

    /// The first slot after `time`.
    #[must_use]
    pub fn next_after(&self, time: Micros) -> Micros {
        self.slot_at_or_before(time) + self.every_us
    }

    /// The slot to evaluate now, if any: of all that were missed only the latest, and the present itself when even that one is
    /// older than `CATCH_UP_US`. A new rule is due at once, and so is one whose last slot lies in the future because the clock
    /// was set back.
    #[must_use]
    pub fn due(&self, last: Option<Micros>, now: Micros) -> Option<Micros> {
        let latest = self.slot_at_or_before(now);
        match last {
            Some(last) if last >= latest && last <= now => None,
            _ if now - latest > CATCH_UP_US => Some(now),
            _ => Some(latest),
        }
    }

    /// From (inclusive) and to (exclusive) of what is looked at in a slot. It ends `delay` before, so that events on their way arrive.
    #[must_use]
    pub fn window(&self, slot: Micros, window_us: Micros) -> (Micros, Micros) {
        let to = slot - self.delay_us;
        (to - window_us, to)
    }
}

/// Spreads ids that differ in few bits (splitmix64's finalizer over both halves).
fn mix(seed: u128) -> u64 {
    let mut x = (seed as u64) ^ ((seed >> 64) as u64).rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Micros = 60_000_000;

    #[test]
    fn a_new_rule_is_due_at_once_and_then_once_a_slot() {
        let schedule = Schedule::new(MINUTE, 0, 7);
        let now = 1_000 * MINUTE + 1;
        let first = schedule.due(None, now).unwrap();
        assert!(first <= now && now - first < MINUTE);
        assert_eq!(schedule.due(Some(first), now), None);
        assert_eq!(schedule.due(Some(first), first + MINUTE - 1), None);
        assert_eq!(schedule.due(Some(first), first + MINUTE), Some(first + MINUTE));
    }

    #[test]
    fn after_a_gap_of_a_day_there_is_one_catch_up() {
        let schedule = Schedule::new(MINUTE, 0, 7);
        let last = schedule.slot_at_or_before(1_000 * MINUTE);
        let now = last + 1_440 * MINUTE + 5;
        let slot = schedule.due(Some(last), now).unwrap();
        assert_eq!(slot, last + 1_440 * MINUTE);
        assert_eq!(schedule.due(Some(slot), now), None);
    }

    #[test]
    fn a_missed_slot_older_than_ten_minutes_gives_way_to_the_present() {
        let schedule = Schedule::new(60 * MINUTE, 0, 7);
        let last = schedule.slot_at_or_before(1_000 * MINUTE);
        let late = last + 60 * MINUTE + 20 * MINUTE;
        assert_eq!(schedule.due(Some(last), late), Some(late));
        assert_eq!(schedule.due(Some(late), late + 1), None);
        assert_eq!(schedule.due(Some(late), last + 120 * MINUTE), Some(last + 120 * MINUTE));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_a_rule() {
        let schedule = Schedule::new(MINUTE, 0, 7);
        let last = schedule.slot_at_or_before(10_000 * MINUTE);
        let now = last - 60 * MINUTE;
        assert_eq!(schedule.due(Some(last), now), Some(now));
    }

    #[test]
    fn the_window_ends_before_the_slot_by_the_delay() {
        let schedule = Schedule::new(MINUTE, 15_000_000, 7);
        assert_eq!(
            schedule.window(100 * MINUTE, 5 * MINUTE),
            (95 * MINUTE - 15_000_000, 100 * MINUTE - 15_000_000)
        );
    }

    #[test]
    fn ten_thousand_rules_spread_over_the_minute() {
        let mut per_second = [0u32; 60];
        for rule in 0..10_000u128 {
            // like ids made one after the other in the same millisecond
            let slot =
                Schedule::new(MINUTE, 0, (0x0192_f000_u128 << 96) | rule).slot_at_or_before(MINUTE - 1);
            per_second[usize::try_from(slot / 1_000_000).unwrap()] += 1;
        }
        assert!(per_second.iter().all(|count| (80..300).contains(count)), "{per_second:?}");
    }

    proptest! {
        #[test]
        fn every_slot_is_run_once_however_often_one_looks(
            seed: u128, every_s in 10i64..7_200, looks in prop::collection::vec(0i64..600_000_000, 1..200)
        ) {
            let schedule = Schedule::new(every_s * 1_000_000, 0, seed);
            let (mut now, mut last) = (1_700_000_000_000_000, None);
            for pause in looks {
                now += pause;
                let slot = schedule.due(last, now);
                if let Some(slot) = slot {
                    prop_assert!(slot <= now && now - slot <= CATCH_UP_US.min(every_s * 1_000_000));
                    prop_assert!(last.is_none_or(|last| slot > last));
                    last = Some(slot);
                }
                prop_assert_eq!(schedule.due(last, now), None);
            }
        }
    }
}
