//! Remembers for 24 hours which `Idempotency-Key`s were acknowledged, so that a repeat is answered and not stored again.
//!
//! The key and the hash of the body stand in the write-ahead log with the batch. Before the log lets the batch go, they are
//! copied to a small log of their own (`journal`). Both are read at the start, so a restart forgets nothing. While the first
//! request with a key is on its way to disk, a second one waits for what becomes of it.

use super::rows::Owner;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;
use wal::{AppendError, Entry, Kind, Lsn, OpenError, Options, Record, Wal};

const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1000;
const BYTES: usize = 64;

/// A hash of the key, never zero: zero means "no key" in the log.
pub type KeyHash = [u8; 16];

/// What is known of an acknowledged request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub organization_id: Uuid,
    pub key: KeyHash,
    /// Of the decoded body.
    pub body: [u8; 16],
    pub received_at_ms: i64,
    /// Its place in the write-ahead log.
    pub lsn: Lsn,
}

impl Seen {
    /// What a record of the write-ahead log says; `None` when its request had no key.
    #[must_use]
    pub fn of_record(record: &Record, owner: &Owner) -> Option<Self> {
        let Entry { key, hash: body, .. } = record.entry;
        let (organization_id, received_at_ms, lsn) =
            (owner.organization_id, owner.received_at_ms, record.lsn);
        (key != [0; 16]).then_some(Self { organization_id, key, body, received_at_ms, lsn })
    }
}

type Name = (Uuid, KeyHash);

enum State {
    /// Closed when the outcome is known.
    OnItsWay(Arc<Semaphore>),
    Acknowledged(Seen),
}

/// What a request with a key finds.
pub enum Begin {
    /// The key is new: this request goes on, and reports through the claim.
    New(Claim),
    /// The same request was acknowledged before.
    Repeat(Seen),
    /// Another body came under this key.
    OtherBody,
}

pub struct Idempotency {
    known: Arc<Mutex<HashMap<Name, State>>>,
    journal: Wal,
    /// Journal records with the newest time in each, oldest first.
    pages: Mutex<VecDeque<(Lsn, i64)>>,
}

/// The right to use a key. Dropping it unfinished gives the key free again.
pub struct Claim {
    known: Arc<Mutex<HashMap<Name, State>>>,
    seen: Seen,
    outcome: Arc<Semaphore>,
    kept: bool,
}

impl Claim {
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The batch is on disk at `lsn`.
    pub fn acknowledge(mut self, lsn: Lsn) {
        self.kept = true;
        let seen = Seen { lsn, ..self.seen };
        lock(&self.known).insert(name_of(&seen), State::Acknowledged(seen));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.known).remove(&name_of(&self.seen));
        }
        self.outcome.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

fn name_of(seen: &Seen) -> Name {
    (seen.organization_id, seen.key)
}

impl Idempotency {
    /// Opens the journal in `folder` and reads what is younger than a day.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path, now_ms: i64) -> Result<Self, OpenError> {
        let options = Options {
            segment_bytes: 4 << 20,
            capacity_bytes: 512 << 20,
            reserve_bytes: 0,
            reserve_percent: 0,
            ..Options::default()
        };
        let (journal, _) = Wal::open(folder, options, || ())?;
        let (mut known, mut pages) = (HashMap::new(), VecDeque::new());
        let mut reader = journal.reader();
        let failed = |source| OpenError::Io { folder: folder.to_owned(), source };
        while let Some(record) = reader.next_record().map_err(failed)? {
            let page: Vec<Seen> = record.entry.payload.chunks_exact(BYTES).map(read).collect();
            let newest = page.iter().map(|seen| seen.received_at_ms).max().unwrap_or(0);
            pages.push_back((record.lsn, newest));
            let young = page.into_iter().filter(|seen| seen.received_at_ms + REMEMBERED_MS > now_ms);
            known.extend(young.map(|seen| (name_of(&seen), State::Acknowledged(seen))));
        }
        Ok(Self { known: Arc::new(Mutex::new(known)), journal, pages: Mutex::new(pages) })
    }

    /// Takes up a request that still stands in the write-ahead log.
    pub fn restore(&self, seen: Seen) {
        lock(&self.known).insert(name_of(&seen), State::Acknowledged(seen));
    }

    /// Claims a key, or tells what became of it. Waits while another request with the key is on its way to disk.
    pub async fn begin(&self, seen: Seen) -> Begin {
        loop {
            let outcome = match lock(&self.known).entry(name_of(&seen)) {
                std::collections::hash_map::Entry::Occupied(entry) => match entry.get() {
                    State::Acknowledged(earlier) if earlier.body == seen.body => {
                        return Begin::Repeat(*earlier);
                    }
                    State::Acknowledged(_) => return Begin::OtherBody,
                    State::OnItsWay(outcome) => Arc::clone(outcome),
                },
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let outcome = Arc::new(Semaphore::new(0));
                    entry.insert(State::OnItsWay(Arc::clone(&outcome)));
                    return Begin::New(Claim { known: Arc::clone(&self.known), seen, outcome, kept: false });
                }
            };
            // Never has a permit: this ends when it is closed.
            let _closed = outcome.acquire().await;
        }
    }

    /// Whether this key was acknowledged.
    #[must_use]
    pub fn knows(&self, organization_id: Uuid, key: KeyHash) -> bool {
        matches!(lock(&self.known).get(&(organization_id, key)), Some(State::Acknowledged(_)))
    }

    /// Puts acknowledged keys on disk here, because the write-ahead log is about to let them go.
    ///
    /// # Errors
    /// When the disk does not take them; the write-ahead log must keep them then.
    pub async fn keep(&self, seen: &[Seen]) -> Result<(), AppendError> {
        if seen.is_empty() {
            return Ok(());
        }
        let payload = seen.iter().flat_map(write).collect();
        let entry = Entry { kind: Kind::Data, tenant: [0; 16], key: [0; 16], hash: [0; 16], payload };
        let (done, answer) = oneshot::channel();
        self.journal.append(entry, move |result| drop(done.send(result)));
        let lsn = answer.await.unwrap_or(Err(AppendError::Closed))?;
        let newest = seen.iter().map(|seen| seen.received_at_ms).max().unwrap_or(0);
        lock(&self.pages).push_back((lsn, newest));
        Ok(())
    }

    /// Forgets what is older than a day.
    ///
    /// # Errors
    /// When the journal's checkpoint cannot be written.
    pub fn forget_old(&self, now_ms: i64) -> std::io::Result<()> {
        let old = |received_at_ms: i64| received_at_ms + REMEMBERED_MS <= now_ms;
        lock(&self.known)
            .retain(|_, state| !matches!(state, State::Acknowledged(seen) if old(seen.received_at_ms)));
        let mut done_before = None;
        let mut pages = lock(&self.pages);
        while let Some((lsn, _)) = pages.front().filter(|(_, newest)| old(*newest)) {
            done_before = Some(lsn + 1);
            pages.pop_front();
        }
        drop(pages);
        done_before.map_or(Ok(()), |lsn| self.journal.advance(lsn))
    }
}

fn write(seen: &Seen) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..16].copy_from_slice(seen.organization_id.as_bytes());
    bytes[16..32].copy_from_slice(&seen.key);
    bytes[32..48].copy_from_slice(&seen.body);
    bytes[48..56].copy_from_slice(&seen.received_at_ms.to_le_bytes());
    bytes[56..].copy_from_slice(&seen.lsn.to_le_bytes());
    bytes
}

fn read(bytes: &[u8]) -> Seen {
    let id = |at: usize| std::array::from_fn(|i| bytes[at + i]);
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
    Seen {
        organization_id: Uuid::from_bytes(id(0)),
        key: id(16),
        body: id(32),
        received_at_ms: number(48) as i64,
        lsn: number(56),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn seen(key: u8, body: u8) -> Seen {
        Seen {
            organization_id: Uuid::from_u128(1),
            key: [key; 16],
            body: [body; 16],
            received_at_ms: NOW_MS,
            lsn: 0,
        }
    }

    fn open(folder: &tempfile::TempDir) -> Idempotency {
        Idempotency::open(folder.path(), NOW_MS).unwrap()
    }

    async fn claim(keys: &Idempotency, seen: Seen) -> Claim {
        match keys.begin(seen).await {
            Begin::New(claim) => claim,
            Begin::Repeat(_) | Begin::OtherBody => panic!("the key is not new"),
        }
    }

    #[tokio::test]
    async fn a_repeat_is_recognised_and_another_body_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(&folder);
        claim(&keys, seen(1, 1)).await.acknowledge(42);

        assert!(matches!(keys.begin(seen(1, 1)).await, Begin::Repeat(Seen { lsn: 42, .. })));
        assert!(matches!(keys.begin(seen(1, 2)).await, Begin::OtherBody));
        assert!(matches!(keys.begin(seen(2, 1)).await, Begin::New(_)));
        let stranger = Seen { organization_id: Uuid::from_u128(2), ..seen(1, 1) };
        assert!(matches!(keys.begin(stranger).await, Begin::New(_)));
    }

    #[tokio::test]
    async fn a_second_request_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(open(&folder));
        let first = claim(&keys, seen(1, 1)).await;
        let second = tokio::spawn({
            let keys = Arc::clone(&keys);
            async move { matches!(keys.begin(seen(1, 1)).await, Begin::Repeat(_)) }
        });
        tokio::task::yield_now().await;

        first.acknowledge(7);

        assert!(second.await.unwrap());
    }

    #[tokio::test]
    async fn a_failed_request_gives_its_key_free() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(&folder);
        drop(claim(&keys, seen(1, 1)).await);

        assert!(matches!(keys.begin(seen(1, 2)).await, Begin::New(_)));
    }

    #[tokio::test]
    async fn kept_keys_survive_a_restart_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(&folder);
        keys.keep(&[seen(1, 1), seen(2, 2)]).await.unwrap();
        drop(keys);

        let keys = open(&folder);
        assert!(matches!(keys.begin(seen(1, 1)).await, Begin::Repeat(_)));

        keys.forget_old(NOW_MS + REMEMBERED_MS).unwrap();
        assert!(matches!(keys.begin(seen(1, 1)).await, Begin::New(_)));
        drop(keys);
        assert!(!open(&folder).knows(Uuid::from_u128(1), [2; 16]));
    }
}
