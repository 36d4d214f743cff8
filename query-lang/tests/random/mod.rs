//! Random events and random queries about them, for tests that compare two ways to the same answer.
//!
//! The same seed gives the same events and queries. Queries speak mostly of what is in the events, so that most of
//! them find some and not all; whatever they say is text as a person would type it.
#![allow(dead_code, reason = "each test uses its part")]

mod events;
mod expressions;
mod filters;
mod queries;

pub use events::{RandomEvent, events};
pub use queries::Queries;

/// A small generator of random numbers (SplitMix64), so that a seed means the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
