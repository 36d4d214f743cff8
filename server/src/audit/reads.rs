//! Reads of logs: none is left out, and the log does not drown in them.
//!
//! A person who types in Explore asks the same thing again and again. The first of such reads is an entry at once. Those that follow
//! within a minute, of the same caller from the same place, with the same query, project and kind, are one more entry together, with
//! how many they were and what they cost. It is written when the minute is over, or when the process stops; a crash loses the
//! repetitions of the last minute, never the first.

use super::writer::Writer;
use super::{Actor, Entry, Target};
use crate::client::Client;
use crate::logstore::Stats;
use crate::search::respond::rfc3339;
use crate::tenant::TenantScope;
use crate::time::{MINUTE_US, Micros, now_us};
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const WINDOW_US: Micros = MINUTE_US;
/// Beyond so many different reads within a minute each is an entry of its own.
const MOST_WINDOWS: usize = 10_000;
/// How often it is looked which minutes are over.
const LOOK: Duration = Duration::from_secs(5);
/// So much of a query is kept.
const QUERY_CHARACTERS: usize = 2_000;

/// Somebody was shown logs, or what was computed of them.
#[derive(Debug, Clone)]
pub struct Read {
    /// The way in which it was read: `search`, `histogram`, `tail`.
    pub kind: &'static str,
    pub project_id: String,
    pub query: String,
    /// What else was named: the `field` whose values were read, the `event` whose neighbours.
    pub about: Option<(&'static str, String)>,
    /// In nanoseconds; nothing for what has no range.
    pub range_ns: Option<(i64, i64)>,
    pub cost: Cost,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    pub rows_read: u64,
    pub bytes_read: u64,
    pub elapsed_ms: f64,
}

impl Cost {
    /// What several statements cost together.
    pub fn of<'a>(statements: impl IntoIterator<Item = &'a Stats>) -> Self {
        let mut cost = Self::default();
        for stats in statements {
            cost.rows_read += stats.rows_read;
            cost.bytes_read += stats.bytes_read;
            cost.elapsed_ms += stats.elapsed_ms;
        }
        cost
    }
}

/// Who reads, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadBy {
    pub scope: TenantScope,
    pub actor: Actor,
    pub client: Client,
}

/// What makes two reads the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    by: ReadBy,
    kind: &'static str,
    project_id: String,
    query: String,
    about: Option<(&'static str, String)>,
}

impl Key {
    fn of(by: ReadBy, read: Read) -> Self {
        let Read { kind, project_id, query, about, .. } = read;
        Self { by, kind, project_id, query: query.chars().take(QUERY_CHARACTERS).collect(), about }
    }
}

/// Some reads that are the same.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    reads: u64,
    range_ns: Option<(i64, i64)>,
    cost: Cost,
}

impl Sum {
    fn one(range_ns: Option<(i64, i64)>, cost: Cost) -> Self {
        Self { reads: 1, range_ns, cost }
    }

    fn add(&mut self, range_ns: Option<(i64, i64)>, cost: Cost) {
        self.reads += 1;
        self.range_ns = match (self.range_ns, range_ns) {
            (Some((from, to)), Some((other_from, other_to))) => {
                Some((from.min(other_from), to.max(other_to)))
            }
            (one, other) => one.or(other),
        };
        self.cost.rows_read += cost.rows_read;
        self.cost.bytes_read += cost.bytes_read;
        self.cost.elapsed_ms += cost.elapsed_ms;
    }
}

/// A minute that began with a read, and what repeated it since.
struct Window {
    ends_at: Micros,
    last_at: Micros,
    repeated: Sum,
}

#[derive(Default)]
struct Windows {
    open: HashMap<Key, Window>,
    /// The process stops: nobody will look any more which minutes are over.
    is_closed: bool,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Reads(Arc<Mutex<Windows>>);

impl Reads {
    /// The entries that must be written now.
    pub fn note(&self, by: ReadBy, read: Read, now: Micros) -> Vec<Entry> {
        let (range_ns, cost) = (read.range_ns, read.cost);
        let (key, first) = (Key::of(by, read), Sum::one(range_ns, cost));
        let mut windows = self.lock();
        let has_place = !windows.is_closed && windows.open.len() < MOST_WINDOWS;
        let fresh = Window { ends_at: now + WINDOW_US, last_at: now, repeated: Sum::default() };
        match windows.open.entry(key) {
            hash_map::Entry::Occupied(mut known) if now < known.get().ends_at => {
                known.get_mut().last_at = now;
                known.get_mut().repeated.add(range_ns, cost);
                Vec::new()
            }
            hash_map::Entry::Occupied(mut known) => {
                let entry = entry(known.key(), now, first);
                let ended = known.insert(fresh);
                ended.entry(known.key()).into_iter().chain([entry]).collect()
            }
            hash_map::Entry::Vacant(vacant) => {
                let entry = entry(vacant.key(), now, first);
                if has_place {
                    vacant.insert(fresh);
                }
                vec![entry]
            }
        }
    }

    /// The repetitions of minutes that are over.
    fn ended(&self, now: Micros) -> Vec<Entry> {
        let over = self.lock().open.extract_if(|_, window| window.ends_at <= now).collect::<Vec<_>>();
        over.iter().filter_map(|(key, window)| window.entry(key)).collect()
    }

    /// All repetitions; from now on each read is an entry at once.
    fn close(&self) -> Vec<Entry> {
        self.lock().is_closed = true;
        self.ended(Micros::MAX)
    }

    /// Writes what has ended, until the shutdown.
    pub async fn run(self, writer: Writer, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => {} }
            let entries = if stop.is_cancelled() { self.close() } else { self.ended(now_us()) };
            for entry in entries {
                writer.note(entry).await;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Window {
    fn entry(&self, key: &Key) -> Option<Entry> {
        (self.repeated.reads > 0).then(|| entry(key, self.last_at, self.repeated))
    }
}

/// The entry of an export: it is never told together with others.
pub fn exported(by: ReadBy, read: Read, now: Micros) -> Entry {
    let sum = Sum::one(read.range_ns, read.cost);
    Entry { action: "logs.exported", ..entry(&Key::of(by, read), now, sum) }
}

fn entry(key: &Key, at: Micros, sum: Sum) -> Entry {
    let ReadBy { scope, actor, client } = key.by.clone();
    let mut detail = json!({
        "kind": key.kind,
        "query": key.query,
        "reads": sum.reads,
        "rows_read": sum.cost.rows_read,
        "bytes_read": sum.cost.bytes_read,
        "elapsed_ms": sum.cost.elapsed_ms,
    });
    if let Some((from_ns, to_ns)) = sum.range_ns {
        detail["from"] = rfc3339(from_ns).into();
        detail["to"] = rfc3339(to_ns).into();
    }
    if let Some((name, value)) = &key.about {
        detail[*name] = value.as_str().into();
    }
    Entry {
        scope,
        at,
        actor,
        action: "logs.searched",
        target: Target::of(&key.project_id, "logs"),
        detail,
        address: client.address,
        user_agent: client.user_agent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND_US;
    use uuid::Uuid;

    const NOW: Micros = 1_700_000_000_000_000;

    fn somebody() -> ReadBy {
        ReadBy {
            scope: TenantScope::of_job(Uuid::from_u128(1)),
            actor: Actor::Person(Uuid::from_u128(2)),
            client: Client { address: "192.0.2.1".into(), user_agent: "browser".into() },
        }
    }

    fn read(kind: &'static str, query: &str) -> Read {
        Read {
            kind,
            project_id: "p".into(),
            query: query.into(),
            about: None,
            range_ns: Some((5_000_000_000, 6_000_000_000)),
            cost: Cost { rows_read: 10, bytes_read: 100, elapsed_ms: 1.5 },
        }
    }

    #[test]
    fn the_first_read_is_told_at_once_and_its_repetitions_together() {
        let reads = Reads::default();
        let first = reads.note(somebody(), read("search", "a"), NOW);
        assert_eq!(first.len(), 1);
        assert_eq!((&first[0].detail["reads"], &first[0].detail["rows_read"]), (&json!(1), &json!(10)));
        let earlier = Read { range_ns: Some((1_000_000_000, 2_000_000_000)), ..read("search", "a") };
        assert!(reads.note(somebody(), earlier, NOW + SECOND_US).is_empty());
        assert!(reads.note(somebody(), read("search", "a"), NOW + 2 * SECOND_US).is_empty());
        assert!(reads.ended(NOW + WINDOW_US - 1).is_empty(), "the minute is not over");

        let ended = reads.ended(NOW + WINDOW_US);

        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].at, NOW + 2 * SECOND_US);
        let expected = json!({
            "kind": "search", "query": "a", "reads": 2, "rows_read": 20, "bytes_read": 200, "elapsed_ms": 3.0,
            "from": "1970-01-01T00:00:01Z", "to": "1970-01-01T00:00:06Z",
        });
        assert_eq!(ended[0].detail, expected);
        assert!(reads.ended(Micros::MAX).is_empty(), "nothing is told twice");
    }

    #[test]
    fn another_caller_place_query_project_kind_or_field_is_another_read() {
        let reads = Reads::default();
        assert_eq!(reads.note(somebody(), read("search", "a"), NOW).len(), 1);
        let key = ReadBy { actor: Actor::Key(Uuid::from_u128(2)), ..somebody() };
        let organization = ReadBy { scope: TenantScope::of_job(Uuid::from_u128(9)), ..somebody() };
        let client = Client { address: "192.0.2.2".into(), user_agent: "browser".into() };
        let place = ReadBy { client, ..somebody() };
        for by in [key, organization, place] {
            assert_eq!(reads.note(by.clone(), read("search", "a"), NOW).len(), 1, "{by:?}");
        }
        let field = Read { about: Some(("field", "host".into())), ..read("search", "a") };
        let project = Read { project_id: "q".into(), ..read("search", "a") };
        for read in [read("histogram", "a"), read("search", "b"), field, project] {
            assert_eq!(reads.note(somebody(), read.clone(), NOW).len(), 1, "{read:?}");
        }
    }

    #[test]
    fn a_read_after_its_minute_begins_another_one() {
        let reads = Reads::default();
        reads.note(somebody(), read("search", "a"), NOW);
        reads.note(somebody(), read("search", "a"), NOW + 1);
        let told = reads.note(somebody(), read("search", "a"), NOW + WINDOW_US);
        let counts: Vec<_> = told.iter().map(|entry| entry.detail["reads"].clone()).collect();
        assert_eq!(counts, [json!(1), json!(1)], "what was repeated, and the new one");
        assert!(reads.ended(Micros::MAX).is_empty());
    }

    #[test]
    fn nothing_is_left_when_the_process_stops() {
        let reads = Reads::default();
        for _ in 0..3 {
            reads.note(somebody(), read("search", "a"), NOW);
        }
        assert_eq!(reads.close()[0].detail["reads"], 2);
        for _ in 0..2 {
            assert_eq!(reads.note(somebody(), read("search", "a"), NOW).len(), 1);
        }
    }

    #[test]
    fn many_different_reads_are_all_told() {
        let reads = Reads::default();
        for number in 0..MOST_WINDOWS + 2 {
            assert_eq!(reads.note(somebody(), read("search", &number.to_string()), NOW).len(), 1);
        }
        let last = (MOST_WINDOWS + 1).to_string();
        assert_eq!(
            reads.note(somebody(), read("search", &last), NOW).len(),
            1,
            "without a window of its own"
        );
    }
}
