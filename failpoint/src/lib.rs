//! Named places at which a development build can be told to die, so that `cargo xtask faults` meets every one of them.
//!
//! With `CORDWOOD_FAILPOINT=wal-synced:3` the process ends at once, as by `kill -9`, when it comes to that place for the third
//! time. Builds without debug assertions have none of it: there `reach` does nothing and the variable is not read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What names the place.
pub const VARIABLE: &str = "CORDWOOD_FAILPOINT";

/// Marks a place by its name.
pub fn reach(place: &str) {
    if cfg!(debug_assertions) {
        die_if_wanted(place);
    }
}

fn die_if_wanted(place: &str) {
    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| Wanted::parse(&std::env::var(VARIABLE).ok()?));
    if wanted.as_ref().is_some_and(|wanted| wanted.is_met(place)) {
        std::process::abort();
    }
}

#[derive(Debug)]
struct Wanted {
    place: String,
    visits_left: AtomicU64,
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        let (place, visits) = text.split_once(':').unwrap_or((text, "1"));
        let visits: u64 = visits.parse().ok().filter(|visits| *visits > 0)?;
        (!place.is_empty()).then(|| Self { place: place.to_owned(), visits_left: AtomicU64::new(visits) })
    }

    fn is_met(&self, place: &str) -> bool {
        place == self.place && self.visits_left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_met_at_the_visit_that_was_asked_for() {
        let wanted = Wanted::parse("sealed:2").unwrap();

        assert_eq!(
            [wanted.is_met("sealed"), wanted.is_met("other"), wanted.is_met("sealed")],
            [false, false, true]
        );
        assert!(Wanted::parse("sealed").unwrap().is_met("sealed"));
        assert!(["", ":3", "sealed:0", "sealed:x"].iter().all(|text| Wanted::parse(text).is_none()));
    }
}
