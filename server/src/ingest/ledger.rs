//! Counts what the shipper has stored, and writes it down about once a second: exactly once, whatever is repeated or cut off.
//!
//! A stretch is counted as a whole, and how far the log is counted is written together with the counts. What was tried once is
//! tried again as it was, so that a lost answer of the database doubles nothing. The log may forget only what is counted.

use super::accepted::Rejected;
use super::delivery::RefusedRow;
use super::rows::Owner;
use super::seal::{SealedBatch, Stretch};
use crate::db::Db;
use crate::time::Micros;
use crate::usage::count::{Account, Amount, Counted, KeyId, Numbers};
use crate::usage::quota::Quota;
use crate::usage::sent::Amounts;
use crate::usage::store::{self, Progress};
use crate::usage::{UsageError, day_of};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use wal::Lsn;

const EVERY: Duration = Duration::from_secs(1);

/// What one stretch adds.
#[derive(Debug, Default)]
pub struct Tally {
    counted: Counted,
    /// Everything that was acknowledged, stored or not.
    shipped: Amounts<KeyId>,
}

fn account_of(owner: &Owner) -> Account {
    let day = day_of(received_us(owner));
    Account { organization_id: owner.organization_id, project_id: owner.project_id, day }
}

fn received_us(owner: &Owner) -> Micros {
    owner.received_at_ms * 1000
}

impl Tally {
    /// What is known before anything is stored: acknowledged events, rejected ones, masked values.
    #[must_use]
    pub fn of(stretch: &Stretch) -> Self {
        let mut tally = Self::default();
        for (owner, rejected, counts, (events, bytes)) in stretch.each_request() {
            let account = account_of(&owner);
            let of = ((account.organization_id, owner.key_id), account.day);
            tally.shipped.entry(of).or_default().add(Amount { events, bytes });
            let beside = Numbers {
                rejected: counts.rejected.into(),
                masked: counts.masked.into(),
                last_at: received_us(&owner),
                ..Numbers::default()
            };
            tally.counted.add_beside(account, owner.key_id, &beside);
            tally.add_rejected(account, rejected, counts.rejected, received_us(&owner));
        }
        tally
    }

    fn add_rejected(&mut self, account: Account, kept: &[Rejected], all: u32, at: Micros) {
        for each in kept {
            self.counted.add_refusal(account, "event", &each.code, 1, at);
        }
        let unreadable = u64::from(all).saturating_sub(kept.len() as u64);
        if unreadable > 0 {
            self.counted.add_refusal(account, "event", "unreadable", unreadable, at);
        }
    }

    /// The rows of a batch that are stored now.
    pub fn add_stored(&mut self, batch: &SealedBatch, refused: &[RefusedRow]) {
        let refused: BTreeSet<u32> = refused.iter().map(|each| each.row).collect();
        let mut sums: HashMap<(Account, Uuid, &str), Numbers> = HashMap::new();
        for (number, owner, row) in batch.each_row() {
            let account = account_of(&owner);
            if refused.contains(&number) {
                let at = received_us(&owner);
                self.counted.add_refusal(account, "event", super::dead_letters::letter::REFUSED, 1, at);
                continue;
            }
            let sum = sums.entry((account, owner.key_id, row.source().unwrap_or_default())).or_default();
            sum.events += 1;
            sum.bytes += row.bytes() as u64;
            sum.last_at = sum.last_at.max(received_us(&owner));
        }
        for ((account, key_id, source), numbers) in sums {
            self.counted.add_events(account, key_id, source, &numbers);
        }
    }
}

/// Counts that belong together, and how far the log is counted with them.
#[derive(Debug, Default)]
struct Pending {
    tally: Tally,
    done_before: Lsn,
}

pub struct Ledger {
    db: Db,
    quota: Quota,
    log_id: [u8; 16],
    counted_before: Lsn,
    /// Tried, and nobody knows whether it was written.
    tried: Option<Pending>,
    open: Pending,
    written_at: Option<Instant>,
}

impl Ledger {
    /// Goes on where the log is counted. `next_lsn`: the log has nothing from there on.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn start(db: Db, quota: Quota, log_id: [u8; 16], next_lsn: Lsn) -> Result<Self, UsageError> {
        let counted_before = store::resume(&db, Progress { log_id, done_before: next_lsn }).await?;
        let open = Pending::default();
        Ok(Self { db, quota, log_id, counted_before, tried: None, open, written_at: None })
    }

    #[must_use]
    pub fn counted_before(&self) -> Lsn {
        self.counted_before
    }

    /// Adds a stretch that is done with, in the order of the log.
    pub fn add(&mut self, tally: Tally, done_before: Lsn) {
        self.open.done_before = done_before;
        if done_before > self.counted_before {
            self.open.tally.counted.merge(tally.counted);
            for (of, amount) in tally.shipped {
                self.open.tally.shipped.entry(of).or_default().add(amount);
            }
        }
    }

    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.tried.is_some() || self.open.done_before > 0
    }

    /// Writes what waits, at most once a second unless `now`. Says up to where the log may forget.
    pub async fn write(&mut self, now: bool) -> Option<Lsn> {
        let is_due = now || self.written_at.is_none_or(|at| at.elapsed() >= EVERY);
        if !is_due || !self.is_waiting() {
            return None;
        }
        self.written_at = Some(Instant::now());
        let pending = match self.tried.take() {
            Some(pending) => pending,
            None => std::mem::take(&mut self.open),
        };
        let Pending { tally, done_before } = &pending;
        let progress = Progress { log_id: self.log_id, done_before: *done_before };
        if let Err(error) = store::write(&self.db, &tally.counted, Some(progress)).await {
            tracing::warn!(error = format!("{error:#}"), "usage waits for the metadata database");
            self.tried = Some(pending);
            return None;
        }
        self.quota.note_stored(&tally.counted.by_key(), &tally.shipped);
        self.counted_before = self.counted_before.max(*done_before);
        Some(*done_before)
    }
}
