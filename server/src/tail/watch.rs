//! One distinct query over one project: what matches, how much of it is shown, and to whom.

use super::frame;
use super::reader::Reader;
use crate::search::one_by_one::Question;
use actix_web::web::Bytes;
use query_lang::sql::EventKey;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// A question and its readers.
pub struct Watch {
    pub question: Question,
    readers: Vec<Reader>,
    sampler: Sampler,
}

impl Watch {
    pub fn new(question: Question, events_per_second: u32) -> Self {
        Self { question, readers: Vec::new(), sampler: Sampler::new(events_per_second, Instant::now()) }
    }

    pub fn asks(&self, question: &Question) -> bool {
        self.question.is(question)
    }

    pub fn join(&mut self, mut reader: Reader) {
        if self.sampler.one_of > 1 {
            reader.tell(frame::sampled(self.sampler.one_of));
        }
        self.readers.push(reader);
    }

    /// Whether this match is among those that are shown.
    pub fn takes(&mut self, key: &EventKey) -> bool {
        let before = self.sampler.one_of;
        let takes = self.sampler.takes(key);
        self.tell_sample(before);
        takes
    }

    pub fn show(&mut self, event: &Bytes) {
        self.readers.iter_mut().for_each(|reader| reader.send(event));
    }

    pub fn note_dropped(&self, count: u64) {
        self.readers.iter().for_each(|reader| reader.note_dropped(count));
    }

    /// Looks at the clock: the rate, and who has left.
    pub fn tick(&mut self, now: Instant) {
        let before = self.sampler.one_of;
        self.sampler.turn(now);
        self.tell_sample(before);
        self.readers.retain(|reader| !reader.is_gone());
    }

    pub fn is_unread(&self) -> bool {
        self.readers.is_empty()
    }

    fn tell_sample(&mut self, before: u64) {
        let one_of = self.sampler.one_of;
        if one_of != before {
            self.readers.iter_mut().for_each(|reader| reader.tell(frame::sampled(one_of)));
        }
    }
}

/// Shows one of so many matches, a power of two: the same ones for everybody, chosen by the event's key alone.
#[derive(Debug)]
struct Sampler {
    limit: u64,
    one_of: u64,
    matched: u64,
    shown: u64,
    since: Instant,
}

impl Sampler {
    fn new(events_per_second: u32, now: Instant) -> Self {
        Self { limit: u64::from(events_per_second), one_of: 1, matched: 0, shown: 0, since: now }
    }

    fn takes(&mut self, key: &EventKey) -> bool {
        self.matched += 1;
        if !mixed(key.batch_id ^ mixed(u64::from(key.batch_row))).is_multiple_of(self.one_of) {
            return false;
        }
        // A burst does not wait for the end of its second.
        if self.shown >= self.limit {
            self.one_of *= 2;
            self.shown = 0;
        }
        self.shown += 1;
        true
    }

    /// At the end of a second: the finest sample that stays below the limit at its rate.
    fn turn(&mut self, now: Instant) {
        let elapsed = now - self.since;
        if elapsed < WINDOW {
            return;
        }
        let rate = (self.matched as f64 / elapsed.as_secs_f64()).ceil() as u64;
        let needed = rate.div_ceil(self.limit).max(1).next_power_of_two();
        // Finer again only with room to spare, so that it does not swing.
        if needed > self.one_of || rate * 10 <= self.limit * (self.one_of / 2) * 9 {
            self.one_of = needed;
        }
        (self.matched, self.shown, self.since) = (0, 0, now);
    }
}

/// Spreads bits that count up evenly (the finalizer of MurmurHash3).
fn mixed(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(batch_id: u64, batch_row: u32) -> EventKey {
        EventKey { timestamp_ns: 0, batch_id, batch_row }
    }

    #[test]
    fn below_the_limit_everything_is_shown() {
        let begin = Instant::now();
        let mut sampler = Sampler::new(100, begin);
        for second in 1..10 {
            assert!((0..100).all(|row| sampler.takes(&key(second, row))));
            sampler.turn(begin + WINDOW * second as u32);
        }
        assert_eq!(sampler.one_of, 1);
    }

    #[test]
    fn above_the_limit_the_sample_is_even_and_ends_with_the_flood() {
        let begin = Instant::now();
        let mut sampler = Sampler::new(100, begin);
        let mut shown = Vec::new();
        for second in 1..6 {
            shown.push((0..10_000).filter(|row| sampler.takes(&key(second, *row))).count());
            sampler.turn(begin + WINDOW * second as u32);
        }
        assert_eq!(sampler.one_of, 128);
        assert!(shown[1..].iter().all(|count| (40..=100).contains(count)), "{shown:?}");

        sampler.turn(begin + WINDOW * 7);
        assert_eq!(sampler.one_of, 1);
    }
}
