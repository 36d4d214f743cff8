//! Cuts the log into sealed batches: fixed bounds, fixed rows, so that sending one again is sending the same bytes.
//!
//! A seal names a stretch of the log and the limits of its batches. It is in the log, on disk, before the first batch is sent.
//! A batch holds rows of one partition of the table (day and retention), of any tenants: each batch is one insert and one
//! part, and parts must not grow with the number of tenants.

use super::accepted::{Counts, Rejected, Stored};
use super::idempotency::Seen;
use super::identity;
use super::rows::{self, EncodedRow, Owner, Row};
use crate::logstore::{ColumnBlock, EncodedBlock, EncodedColumns, LogBlock, LogRow};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use uuid::Uuid;
use wal::{Lsn, Record};

const LAYOUT: u8 = 1;

/// A stretch of the log, and how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    pub first: Lsn,
    pub last: Lsn,
    pub limits: Limits,
}

/// How large one batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub rows: u32,
    pub bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 50_000, bytes: 32 << 20 }
    }
}

impl Seal {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.last.to_le_bytes());
        out.extend_from_slice(&self.limits.rows.to_le_bytes());
        out.extend_from_slice(&self.limits.bytes.to_le_bytes());
        out
    }

    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; 25] = payload.try_into().ok()?;
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let limits = Limits { rows: short(17), bytes: short(21) };
        (bytes[0] == LAYOUT).then(|| Self { first: long(1), last: long(9), limits })
    }
}

/// Rows of one partition, ready to be sent.
#[derive(Clone, Debug)]
pub struct SealedBatch {
    /// Names the batch; the same whenever it is made again.
    pub id: u64,
    /// The engine drops a second insert with the same token.
    pub token: String,
    /// Days since the epoch.
    pub day: i32,
    pub retention_days: u16,
    /// Whose rows these are, each once.
    pub organizations: Vec<Uuid>,
    /// Of the oldest row and of the newest.
    pub times_ns: (i64, i64),
    /// When the first of its requests arrived, and when the last one.
    pub received_ms: (i64, i64),
    /// Absent where the rows have to go as rows.
    pub columns: Option<EncodedColumns>,
    requests: Arc<[Request]>,
    places: Vec<Place>,
}

/// Which request a row came with, and where it stands in it: the columns `batch_id` and `batch_row`.
pub type RowKey = (u64, u32);

/// One record of the log.
#[derive(Debug)]
struct Request {
    lsn: Lsn,
    epoch: u64,
    stored: Stored,
}

/// Where a row of a batch stands in the requests.
#[derive(Clone, Copy, Debug)]
struct Place {
    request: usize,
    offset: usize,
    key: RowKey,
}

impl SealedBatch {
    #[must_use]
    pub fn row_count(&self) -> u32 {
        self.places.len() as u32
    }

    /// One row with its owner and the position of its request in the log.
    #[must_use]
    pub fn row(&self, row: u32) -> Option<(Lsn, Owner, Row<'_>)> {
        let place = self.places.get(row as usize)?;
        let request = &self.requests[place.request];
        let row = rows::iterate(&request.stored.rows[place.offset..]).next()?.decode()?;
        Some((request.lsn, request.stored.owner, row))
    }

    /// These rows as rows, which is how parts of a batch go.
    #[must_use]
    pub fn block(&self, range: &Range<u32>) -> EncodedBlock {
        let mut block = LogBlock::default();
        let rows = self.each_row().skip(range.start as usize).take(range.len());
        for ((_, owner, row), place) in rows.zip(&self.places[range.start as usize..]) {
            if let Some(row) = row.decode() {
                block.push(&log_row(&row, &owner, place.key));
            }
        }
        block.encode()
    }

    /// Each row with its number in the batch and its owner.
    pub fn each_row(&self) -> impl Iterator<Item = (u32, Owner, EncodedRow<'_>)> {
        (0..).zip(&self.places).filter_map(|(number, place)| {
            let stored = &self.requests[place.request].stored;
            let row = rows::iterate(&stored.rows[place.offset..]).next()?;
            Some((number, stored.owner, row))
        })
    }

    /// The keys of the first and the last of these rows: in the table no other row of the batch's partition is between them.
    ///
    /// # Panics
    /// When the batch has no such rows.
    #[must_use]
    pub fn keys(&self, rows: &Range<u32>) -> (RowKey, RowKey) {
        let key = |row: u32| self.places[row as usize].key;
        (key(rows.start), key(rows.end - 1))
    }
}

/// What was read from a stretch of the log.
#[derive(Debug, Default)]
pub struct Stretch {
    pub first: Lsn,
    pub last: Lsn,
    pub rows: u64,
    pub bytes: u64,
    requests: Vec<Request>,
    /// Idempotency keys of the requests that came with one.
    pub keys: Vec<Seen>,
    /// Records that this version cannot read: a newer one wrote them.
    pub unreadable: u64,
}

impl Stretch {
    /// Adds the next record.
    pub fn push(&mut self, record: Record) {
        if self.first == 0 {
            self.first = record.lsn;
        }
        self.last = record.lsn;
        if record.entry.kind == wal::Kind::Control {
            return;
        }
        match Stored::decode(record.entry.tenant, &record.entry.payload) {
            Some(stored) => {
                self.rows += u64::from(stored.row_count);
                self.bytes += record.entry.payload.len() as u64;
                self.keys.extend(Seen::of_record(&record, &stored.owner));
                self.requests.push(Request { lsn: record.lsn, epoch: record.epoch, stored });
            }
            None => self.unreadable += 1,
        }
    }

    /// Whether there is anything to send or to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// When the oldest request of the stretch arrived.
    #[must_use]
    pub fn oldest_arrival_ms(&self) -> Option<i64> {
        self.requests.iter().map(|request| request.stored.owner.received_at_ms).min()
    }

    /// Takes out the events that were rejected on arrival, each with the owner and position of its request.
    pub fn take_rejected(&mut self) -> Vec<(Lsn, Owner, Rejected)> {
        let requests = self.requests.iter_mut();
        let rejected = requests.flat_map(|Request { lsn, stored, .. }| {
            let (lsn, owner) = (*lsn, stored.owner);
            std::mem::take(&mut stored.rejected).into_iter().map(move |each| (lsn, owner, each))
        });
        rejected.collect()
    }

    /// Each request's owner, what of it was rejected, the counts beside, and its events and their bytes.
    pub fn each_request(&self) -> impl Iterator<Item = (Owner, &[Rejected], Counts, (u64, u64))> {
        self.requests.iter().map(|Request { stored, .. }| {
            (stored.owner, &stored.rejected[..], stored.counts, stored.amount())
        })
    }

    /// The batches of a sealed stretch, always the same ones.
    #[must_use]
    pub fn cut(self, log_id: &[u8; 16], seal: &Seal) -> Vec<SealedBatch> {
        let mut open: BTreeMap<(i32, u16), Draft> = BTreeMap::new();
        let mut done = Vec::new();
        let bounds = self.bounds(log_id, seal);
        for (request, Request { lsn, stored, .. }) in self.requests.iter().enumerate() {
            let number = identity::request_number(log_id, *lsn);
            for (index, (offset, row)) in rows::iterate_with_offsets(&stored.rows).enumerate() {
                let partition = (row.day(), stored.owner.retention_days);
                let draft = open.entry(partition).or_insert_with(|| Draft::new(&bounds, partition, 0));
                if draft.is_full(row.bytes(), seal.limits) {
                    let next = Draft::new(&bounds, partition, draft.ordinal + 1);
                    done.push(std::mem::replace(draft, next));
                }
                draft.push(row, &stored.owner, Place { request, offset, key: (number, index as u32) });
            }
        }
        done.extend(open.into_values());
        let requests: Arc<[Request]> = self.requests.into();
        done.into_iter().map(|draft| draft.finish(Arc::clone(&requests))).collect()
    }

    /// Names the stretch: the log, the positions, and the epochs in which they were written. Positions are given out again
    /// only after data was lost, and then in a new epoch.
    fn bounds(&self, log_id: &[u8; 16], seal: &Seal) -> String {
        let epoch = |request: Option<&Request>| request.map_or(0, |request| request.epoch);
        let mut bounds = String::with_capacity(80);
        log_id.iter().for_each(|byte| write!(bounds, "{byte:02x}").expect("text takes every write"));
        let (first, last) = (epoch(self.requests.first()), epoch(self.requests.last()));
        write!(bounds, ":{first}.{}-{last}.{}", seal.first, seal.last).expect("text takes every write");
        bounds
    }
}

/// A batch that is being filled.
struct Draft {
    name: String,
    ordinal: u32,
    id: u64,
    partition: (i32, u16),
    columns: ColumnBlock,
    content: u32,
    organizations: Vec<Uuid>,
    times_ns: (i64, i64),
    received_ms: (i64, i64),
    places: Vec<Place>,
}

impl Draft {
    fn new(bounds: &str, partition: (i32, u16), ordinal: u32) -> Self {
        let name = format!("{bounds}:{}-{}:{ordinal}", partition.0, partition.1);
        let hash = Sha256::digest(name.as_bytes());
        Self {
            id: u64::from_le_bytes(std::array::from_fn(|i| hash[i])),
            name,
            ordinal,
            partition,
            columns: ColumnBlock::default(),
            content: 0,
            organizations: Vec::new(),
            times_ns: (i64::MAX, i64::MIN),
            received_ms: (i64::MAX, i64::MIN),
            places: Vec::new(),
        }
    }

    fn is_full(&self, row_bytes: usize, limits: Limits) -> bool {
        let (rows, bytes) = (self.columns.rows(), self.columns.row_bytes());
        rows > 0 && (rows >= limits.rows as usize || bytes + row_bytes > limits.bytes as usize)
    }

    fn push(&mut self, encoded: EncodedRow<'_>, owner: &Owner, place: Place) {
        // Rows are only ever written by us, and the log's checksums have passed.
        let Some(row) = encoded.decode() else { return };
        self.columns.push(&log_row(&row, owner, place.key));
        self.content = encoded.checksum(self.content);
        if self.organizations.last() != Some(&owner.organization_id) {
            self.organizations.push(owner.organization_id);
        }
        self.times_ns = (self.times_ns.0.min(row.timestamp_ns), self.times_ns.1.max(row.timestamp_ns));
        let received_ms = owner.received_at_ms;
        self.received_ms = (self.received_ms.0.min(received_ms), self.received_ms.1.max(received_ms));
        self.places.push(place);
    }

    fn finish(mut self, requests: Arc<[Request]>) -> SealedBatch {
        self.organizations.sort_unstable();
        self.organizations.dedup();
        SealedBatch {
            id: self.id,
            // The content is part of it: the engine drops a second insert with the same token whatever it holds.
            token: format!("v1:{}:{:08x}", self.name, self.content),
            day: self.partition.0,
            retention_days: self.partition.1,
            organizations: self.organizations,
            times_ns: self.times_ns,
            received_ms: self.received_ms,
            columns: self.columns.encode(),
            requests,
            places: self.places,
        }
    }
}

fn log_row<'a>(row: &Row<'a>, owner: &Owner, key: RowKey) -> LogRow<'a> {
    LogRow {
        tenant_id: owner.organization_id,
        project_id: owner.project_id,
        timestamp_ns: row.timestamp_ns,
        received_at_ms: owner.received_at_ms,
        level: row.level,
        source: row.source,
        host: row.host,
        message: row.message,
        trace_id: row.trace_id,
        span_id: row.span_id,
        pattern_id: row.pattern_id,
        attributes: row.attributes,
        batch_id: key.0,
        batch_row: key.1,
        retention_days: owner.retention_days,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ingest::accepted::{Accepted, Counts};
    use crate::ingest::rows::{Rows, tests::row};
    use std::collections::BTreeSet;
    use uuid::Uuid;
    use wal::{Entry, Kind};

    const DAY_NS: i64 = 86_400_000_000_000;
    const LIMITS: Limits = Limits { rows: 10, bytes: 1 << 20 };

    pub fn record(lsn: Lsn, messages: &[(i64, &str)], retention_days: u16) -> Record {
        let mut rows = Rows::default();
        messages.iter().for_each(|(time, message)| rows.push(&row(*time, message)));
        let owner = Owner {
            organization_id: Uuid::from_u128(1),
            project_id: Uuid::from_u128(2),
            retention_days,
            received_at_ms: 1_700_000_000_000,
            key_id: Uuid::nil(),
        };
        let payload = Accepted { owner, rows, rejected: Vec::new(), counts: Counts::default() }.encode();
        let entry = Entry {
            kind: Kind::Data,
            tenant: Uuid::from_u128(1).into_bytes(),
            key: [0; 16],
            hash: [0; 16],
            payload,
        };
        Record { lsn, epoch: 3, entry }
    }

    fn stretch(records: impl IntoIterator<Item = Record>) -> (Stretch, Seal) {
        let mut stretch = Stretch::default();
        records.into_iter().for_each(|record| stretch.push(record));
        let seal = Seal { first: stretch.first, last: stretch.last, limits: LIMITS };
        (stretch, seal)
    }

    #[test]
    fn a_seal_comes_back_as_it_went_in() {
        let seal = Seal { first: 5, last: 99, limits: Limits::default() };

        assert_eq!(Seal::decode(&seal.encode()), Some(seal));
        assert_eq!(Seal::decode(&seal.encode()[1..]), None);
    }

    #[test]
    fn each_batch_is_of_one_partition_and_within_its_limits() {
        let day = |day: i64, text| (day * DAY_NS, text);
        let many: Vec<(i64, &str)> = (0..25).map(|_| day(9, "many")).collect();
        let (stretch, seal) = stretch([
            record(1, &[day(9, "a"), day(8, "b"), day(9, "c")], 30),
            record(2, &[day(9, "d")], 7),
            record(3, &many, 30),
        ]);

        let batches = stretch.cut(&[7; 16], &seal);

        let shapes: BTreeSet<_> =
            batches.iter().map(|batch| (batch.day, batch.retention_days, batch.row_count())).collect();
        assert_eq!(shapes, BTreeSet::from([(8, 30, 1), (9, 7, 1), (9, 30, 7), (9, 30, 10)]));
        assert_eq!(batches.iter().map(|batch| batch.row_count()).sum::<u32>(), 29);
        let ids: BTreeSet<u64> = batches.iter().map(|batch| batch.id).collect();
        let tokens: BTreeSet<&str> = batches.iter().map(|batch| batch.token.as_str()).collect();
        assert_eq!((ids.len(), tokens.len()), (5, 5));
    }

    #[test]
    fn the_same_stretch_gives_the_same_bytes_and_another_one_another_token() {
        let records = || [record(1, &[(1, "a"), (2, "b")], 30), record(2, &[(3, "c")], 30)];
        let (stretch_one, seal) = stretch(records());
        let (stretch_two, _) = stretch(records());
        let (one, two) = (stretch_one.cut(&[7; 16], &seal), stretch_two.cut(&[7; 16], &seal));
        assert_eq!((one[0].id, &one[0].token), (two[0].id, &two[0].token));
        assert_eq!(format!("{:?}", one[0].columns), format!("{:?}", two[0].columns));

        let other_log = stretch(records()).0.cut(&[8; 16], &seal);
        assert_ne!(one[0].token, other_log[0].token);
        let (other_stretch, seal) =
            stretch([record(1, &[(1, "x"), (2, "b")], 30), record(2, &[(3, "c")], 30)]);
        assert_ne!(one[0].token, other_stretch.cut(&[7; 16], &seal)[0].token);
    }

    #[test]
    fn a_batch_knows_its_rows() {
        let (stretch, seal) = stretch([record(1, &[(1, "a"), (2, "b")], 30), record(2, &[(9, "c")], 30)]);
        let batch = &stretch.cut(&[7; 16], &seal)[0];

        let (lsn, owner, row) = batch.row(2).unwrap();

        assert_eq!((lsn, owner.retention_days, row.message), (2, 30, "c"));
        assert_eq!((batch.times_ns, batch.organizations.len(), batch.block(&(0..3)).rows()), ((1, 9), 1, 3));
        assert!(batch.row(3).is_none());
    }

    #[test]
    fn a_row_has_the_key_that_its_request_and_place_give_it() {
        let other_day = (DAY_NS, "other day");
        let (stretch, seal) =
            stretch([record(1, &[(1, "a"), other_day, (2, "b")], 30), record(7, &[(9, "c")], 30)]);
        let batch = &stretch.cut(&[7; 16], &seal)[0];
        let number = |lsn| identity::request_number(&[7; 16], lsn);

        assert_eq!(batch.keys(&(0..3)), ((number(1), 0), (number(7), 0)));
        assert_eq!(batch.keys(&(1..2)), ((number(1), 2), (number(1), 2)));
    }
}
