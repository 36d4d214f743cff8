//! How one record looks on disk, and how the next whole one is found behind damage.
//!
//! A record is a 96-byte header and the payload, padded with zeros to 8 bytes. Two CRC32C: one over the header alone
//! (the length can be believed before the payload is read), one over header and payload. Both start from a secret of
//! the log and the record's place in the file: neither bytes that a client put into a payload nor stale bytes from
//! elsewhere can pass as a record.
//!
//! `synced` is the proof of loss: when the record was written, everything up to that number was on disk. A hole at or
//! below the `synced` of a later record was therefore acknowledged data; a hole above it is a write that never finished.

use std::ops::Range;

/// Position of a record: 1, 2, 3 … without holes.
pub type Lsn = u64;

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 96;
/// No record is longer; a longer length is damage.
pub const MAX_PAYLOAD_BYTES: usize = 512 << 20;

const MAGIC: u32 = 0xC0D5_0A11;
const ALIGNMENT: usize = 8;

/// Whether a record may be refused for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the log is for; refused when the log is full.
    Data,
    /// The reader's own notes (bounds of a sealed batch, say). Taken even when the log is full: they help to empty it.
    Control,
}

/// What a record is to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Somebody's entry; takes one position.
    Entry(Kind),
    /// Proves that everything below its position was on disk. Takes none itself.
    Mark,
    /// Stands where a write was torn: the positions behind its `synced` and below its own were never acknowledged.
    Filler,
}

impl Class {
    fn byte(self) -> u8 {
        match self {
            Self::Entry(Kind::Data) => 0,
            Self::Entry(Kind::Control) => 1,
            Self::Mark => 2,
            Self::Filler => 3,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        let all = [Self::Entry(Kind::Data), Self::Entry(Kind::Control), Self::Mark, Self::Filler];
        all.into_iter().find(|class| class.byte() == byte)
    }
}

/// What a caller wants to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub tenant: [u8; 16],
    /// Names the batch for its sender (a hash of the idempotency key, say); zeros when it has none.
    pub key: [u8; 16],
    /// Hash of what the sender sent, to tell a repeat from another batch under the same key.
    pub hash: [u8; 16],
    pub payload: Vec<u8>,
}

/// What a reader gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub lsn: Lsn,
    pub epoch: u64,
    pub entry: Entry,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub lsn: Lsn,
    pub epoch: u64,
    pub synced: Lsn,
    pub class: Class,
    payload_bytes: usize,
    seed: u32,
    record_crc: u32,
}

impl Header {
    /// Bytes of header, payload and padding.
    pub fn record_bytes(&self) -> usize {
        padded(HEADER_BYTES + self.payload_bytes)
    }

    /// The position that follows this record.
    pub fn next_lsn(&self) -> Lsn {
        self.lsn + u64::from(matches!(self.class, Class::Entry(_)))
    }
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// Bytes that an entry will take.
pub(crate) fn encoded_bytes(entry: &Entry) -> usize {
    padded(HEADER_BYTES + entry.payload.len())
}

/// Where a record goes, and what was on disk when it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub lsn: Lsn,
    pub epoch: u64,
    pub synced: Lsn,
    /// Where the record begins in its file.
    pub offset: u64,
}

/// What the checksums of a record start from.
fn seed_at(seed: u32, offset: u64) -> u32 {
    crc32c::crc32c_append(seed, &offset.to_le_bytes())
}

/// Appends an entry to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, seed: u32, entry: &Entry, stamp: Stamp) {
    encode_class(out, seed, Class::Entry(entry.kind), entry, stamp);
}

/// Appends a record of the log's own that is `bytes` long.
pub(crate) fn encode_own(out: &mut Vec<u8>, seed: u32, class: Class, bytes: usize, stamp: Stamp) {
    let payload = vec![0; bytes - HEADER_BYTES];
    let empty = Entry { kind: Kind::Control, tenant: [0; 16], key: [0; 16], hash: [0; 16], payload };
    encode_class(out, seed, class, &empty, stamp);
}

fn encode_class(out: &mut Vec<u8>, seed: u32, class: Class, entry: &Entry, stamp: Stamp) {
    let (start, seed) = (out.len(), seed_at(seed, stamp.offset));
    out.resize(start + HEADER_BYTES, 0);
    out.extend_from_slice(&entry.payload);
    out.resize(start + encoded_bytes(entry), 0);
    let record = &mut out[start..];
    record[12..16].copy_from_slice(&(entry.payload.len() as u32).to_le_bytes());
    record[16] = class.byte();
    record[24..32].copy_from_slice(&stamp.epoch.to_le_bytes());
    record[32..40].copy_from_slice(&stamp.lsn.to_le_bytes());
    record[40..48].copy_from_slice(&stamp.synced.to_le_bytes());
    record[48..64].copy_from_slice(&entry.tenant);
    record[64..80].copy_from_slice(&entry.key);
    record[80..96].copy_from_slice(&entry.hash);
    let crc = crc32c::crc32c_append(seed, &record[12..]);
    record[8..12].copy_from_slice(&crc.to_le_bytes());
    let header_crc = crc32c::crc32c_append(seed, &record[8..HEADER_BYTES]);
    record[4..8].copy_from_slice(&header_crc.to_le_bytes());
    record[..4].copy_from_slice(&MAGIC.to_le_bytes());
}

/// The header at the start of `bytes`, which stand at `offset` of the file, if there is one whole.
pub(crate) fn decode_header(seed: u32, bytes: &[u8], offset: u64) -> Option<Header> {
    let header = bytes.get(..HEADER_BYTES).filter(|header| u32_at(header, 0) == MAGIC)?;
    let seed = seed_at(seed, offset);
    if crc32c::crc32c_append(seed, &header[8..]) != u32_at(header, 4) {
        return None;
    }
    let payload_bytes = u32_at(header, 12) as usize;
    let class = Class::of_byte(header[16])?;
    (payload_bytes <= MAX_PAYLOAD_BYTES).then_some(Header {
        lsn: u64_at(header, 32),
        epoch: u64_at(header, 24),
        synced: u64_at(header, 40),
        class,
        payload_bytes,
        seed,
        record_crc: u32_at(header, 8),
    })
}

/// Whether the whole record stands at the start of `bytes`.
pub(crate) fn is_whole(header: &Header, bytes: &[u8]) -> bool {
    bytes
        .get(12..header.record_bytes())
        .is_some_and(|covered| crc32c::crc32c_append(header.seed, covered) == header.record_crc)
}

/// The entry of a record that `is_whole`; `None` for a record of the log's own.
pub(crate) fn entry_of(header: &Header, bytes: &[u8]) -> Option<Entry> {
    let Class::Entry(kind) = header.class else { return None };
    let id = |at: usize| std::array::from_fn(|i| bytes[at + i]);
    let payload = bytes[HEADER_BYTES..HEADER_BYTES + header.payload_bytes].to_vec();
    Some(Entry { kind, tenant: id(48), key: id(64), hash: id(80), payload })
}

/// A whole record found by `scan`; the range is in bytes of the file.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub lsn: Lsn,
    pub next_lsn: Lsn,
    pub synced: Lsn,
    pub class: Class,
    pub range: Range<u64>,
}

/// What stands in a segment.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Whole records of the segment's epoch, positions rising.
    pub records: Vec<Placed>,
    /// The highest number that some record proves to have been on disk.
    pub proven: Lsn,
}

/// Finds every whole record in `bytes`, which begin at `offset` of the file.
pub(crate) fn scan(seed: u32, epoch: u64, first_lsn: Lsn, bytes: &[u8], offset: u64) -> Scan {
    let mut found = Scan::default();
    let (mut at, mut next_lsn) = (0, first_lsn);
    while at + HEADER_BYTES <= bytes.len() {
        let start = offset + at as u64;
        let header = decode_header(seed, &bytes[at..], start);
        let Some(header) = header.filter(|header| header.epoch == epoch && header.lsn >= next_lsn) else {
            at += ALIGNMENT;
            continue;
        };
        found.proven = found.proven.max(header.synced);
        if !is_whole(&header, &bytes[at..]) {
            at += ALIGNMENT;
            continue;
        }
        at += header.record_bytes();
        next_lsn = header.next_lsn();
        let Header { lsn, synced, class, .. } = header;
        let range = start..offset + at as u64;
        found.records.push(Placed { lsn, next_lsn, synced, class, range });
    }
    found
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(payload: Vec<u8>) -> Entry {
        Entry { kind: Kind::Data, tenant: [1; 16], key: [2; 16], hash: [3; 16], payload }
    }

    fn stamp(lsn: Lsn, offset: u64) -> Stamp {
        Stamp { lsn, epoch: 7, synced: lsn - 1, offset }
    }

    fn three_records() -> Vec<u8> {
        let mut bytes = Vec::new();
        for lsn in 1..=3 {
            let offset = bytes.len() as u64;
            encode(&mut bytes, 9, &entry(vec![lsn as u8; 40 + lsn as usize]), stamp(lsn, offset));
        }
        bytes
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        let sent = entry(b"a line".to_vec());
        let mut bytes = Vec::new();
        encode(&mut bytes, 9, &sent, stamp(5, 64));

        let header = decode_header(9, &bytes, 64).expect("a header");

        assert!(is_whole(&header, &bytes));
        assert_eq!((header.lsn, header.epoch, header.synced), (5, 7, 4));
        assert_eq!(entry_of(&header, &bytes), Some(sent));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let good = three_records();
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = scan(9, 7, 1, &bytes, 0);
            assert_eq!(found.records.len(), 2, "bit {bit} was not found, or cost more than its record");
        }
    }

    #[test]
    fn a_record_of_another_epoch_or_log_does_not_count() {
        let bytes = three_records();

        assert!(scan(9, 8, 1, &bytes, 0).records.is_empty());
        assert!(scan(10, 7, 1, &bytes, 0).records.is_empty());
    }

    #[test]
    fn a_record_in_another_place_does_not_count() {
        assert!(scan(9, 7, 1, &three_records(), 8).records.is_empty());
    }

    #[test]
    fn a_record_inside_a_payload_is_not_taken_for_a_record() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 9, &entry(three_records()), stamp(1, 0));

        assert_eq!(scan(9, 7, 1, &bytes, 0).records.len(), 1);
    }

    proptest! {
        #[test]
        fn garbage_never_reads_as_a_record(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(scan(9, 7, 1, &bytes, 0).records.is_empty());
        }
    }
}
