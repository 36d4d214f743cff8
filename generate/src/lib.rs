//! Realistic, deterministic logs of a made-up shop: what the demo account, the tests and the benchmarks are fed with.
//!
//! The same seed and times give the same bytes, on every machine. One event is one JSON object in the native ingest form. The
//! shop has a story that follows the clock: for four minutes in every hour its payment database runs out of connections, so that
//! errors and latencies rise in `payments` and `checkout`; and `search` slows down over each day until it is restarted at
//! midnight. Names, addresses and cards are invented; card numbers are the well-known test numbers.

mod random;
mod services;
mod words;
mod write;

use random::Random;

/// How the shop behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Whether the payment database fails for some minutes of every hour.
    pub incidents: bool,
    /// Whether personal data (mail addresses, card numbers) shows up in some messages, as it does in real life.
    pub personal_data: bool,
    /// Only what this part of the shop writes.
    pub only: Option<Part>,
}

/// A part of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Web,
    Payments,
    Auth,
    Worker,
    Database,
    Kubernetes,
}

impl Part {
    pub const ALL: [Self; 6] =
        [Self::Web, Self::Payments, Self::Auth, Self::Worker, Self::Database, Self::Kubernetes];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Payments => "payments",
            Self::Auth => "auth",
            Self::Worker => "worker",
            Self::Database => "database",
            Self::Kubernetes => "kubernetes",
        }
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|part| part.as_str() == name).ok_or_else(|| {
            format!("the shop has no part `{name}`, but {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self { incidents: true, personal_data: true, only: None }
    }
}

/// Makes one event after the other.
#[derive(Debug, Clone)]
pub struct Generator {
    random: Random,
    profile: Profile,
}

/// What the shop is like at one moment.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at_ns: i64,
    incident: bool,
    /// How much slower `search` is than after its restart: 1.0 to 3.0.
    drift: f64,
    personal_data: bool,
}

impl Generator {
    #[must_use]
    pub fn new(seed: u64, profile: Profile) -> Self {
        Self { random: Random::new(seed), profile }
    }

    /// Appends one event that happened at `at_ns` (nanoseconds since the epoch), without a line end.
    pub fn write_event(&mut self, at_ns: i64, out: &mut Vec<u8>) {
        let moment = self.moment(at_ns);
        services::write_one(&mut self.random, &moment, self.profile.only, out);
    }

    fn moment(&self, at_ns: i64) -> Moment {
        let second = at_ns.div_euclid(1_000_000_000);
        let incident = self.profile.incidents && (2_400..2_640).contains(&second.rem_euclid(3_600));
        let drift = 1.0 + 2.0 * second.rem_euclid(86_400) as f64 / 86_400.0;
        Moment { at_ns, incident, drift, personal_data: self.profile.personal_data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const NOON_NS: i64 = 1_772_366_400_000_000_000;

    fn events(seed: u64, from_ns: i64, count: i64) -> Vec<String> {
        let mut generator = Generator::new(seed, Profile::default());
        (0..count)
            .map(|index| {
                let mut line = Vec::new();
                generator.write_event(from_ns + index * 10_000_000, &mut line);
                String::from_utf8(line).unwrap()
            })
            .collect()
    }

    fn errors(lines: &[String]) -> usize {
        lines.iter().filter(|line| line.contains("\"level\":\"error\"")).count()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(events(7, NOON_NS, 500), events(7, NOON_NS, 500));
        assert_ne!(events(7, NOON_NS, 500), events(8, NOON_NS, 500));
    }

    #[test]
    fn every_event_is_one_json_object_with_the_fields_people_search_by() {
        for line in events(1, NOON_NS, 20_000) {
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for field in ["timestamp", "level", "source", "host", "message"] {
                assert!(event[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {line}");
            }
            assert!(!line.contains('\n'));
        }
    }

    #[test]
    fn a_single_part_writes_only_its_own() {
        for (name, source) in
            [("payments", "payments"), ("database", "postgres"), ("kubernetes", "kubernetes")]
        {
            let profile = Profile { only: Some(name.parse().unwrap()), ..Profile::default() };
            let mut generator = Generator::new(1, profile);
            for index in 0..200 {
                let mut line = Vec::new();
                generator.write_event(NOON_NS + index, &mut line);
                let event: Value = serde_json::from_slice(&line).unwrap();
                assert_eq!(event["source"], source);
            }
        }
        assert!("shop".parse::<Part>().is_err());
    }

    #[test]
    fn an_incident_multiplies_the_errors() {
        let hour = NOON_NS - NOON_NS % 3_600_000_000_000;
        let quiet = errors(&events(3, hour, 20_000));
        let incident = errors(&events(3, hour + 2_410 * 1_000_000_000, 20_000));
        assert!(quiet > 0, "some errors are always there");
        assert!(incident > quiet * 4, "{incident} in the incident, {quiet} before");
    }
}
