//! What one request leaves in the write-ahead log: its rows, and the events that were rejected but could be read.
//!
//! One request is one record, so that all of it is on disk or nothing. The first byte tells the layout.

use super::rows::{self, Owner, Rows};
use uuid::Uuid;

/// The first layout has no key and no counts.
const FIRST_LAYOUT: u8 = 1;
const LAYOUT: u8 = 2;

/// An event that is not stored: kept with its reason until somebody replays or deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Place of the event in the request.
    pub index: u32,
    pub code: String,
    pub reason: String,
    /// As it came.
    pub original: Vec<u8>,
}

/// What else happened to a request's events, for the usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Also those that could not even be kept.
    pub rejected: u32,
    /// Values that the project's rules masked.
    pub masked: u32,
}

/// The events of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub owner: Owner,
    pub rows: Rows,
    pub rejected: Vec<Rejected>,
    pub counts: Counts,
}

/// The same, read back: rows still as bytes.
#[derive(Clone, Debug)]
pub struct Stored {
    pub owner: Owner,
    pub rows: Vec<u8>,
    pub row_count: u32,
    pub rejected: Vec<Rejected>,
    pub counts: Counts,
}

impl Accepted {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rows.as_bytes().len() + 64);
        out.push(LAYOUT);
        out.extend_from_slice(self.owner.project_id.as_bytes());
        out.extend_from_slice(&self.owner.retention_days.to_le_bytes());
        out.extend_from_slice(&self.owner.received_at_ms.to_le_bytes());
        out.extend_from_slice(self.owner.key_id.as_bytes());
        out.extend_from_slice(&self.counts.rejected.to_le_bytes());
        out.extend_from_slice(&self.counts.masked.to_le_bytes());
        out.extend_from_slice(&self.rows.count().to_le_bytes());
        write_bytes(&mut out, self.rows.as_bytes());
        out.extend_from_slice(&(self.rejected.len() as u32).to_le_bytes());
        for each in &self.rejected {
            out.extend_from_slice(&each.index.to_le_bytes());
            write_bytes(&mut out, each.code.as_bytes());
            write_bytes(&mut out, each.reason.as_bytes());
            write_bytes(&mut out, &each.original);
        }
        out
    }
}

impl Stored {
    /// Reads a record's payload; `None` when a later version of the server wrote it.
    #[must_use]
    pub fn decode(organization: [u8; 16], payload: &[u8]) -> Option<Self> {
        let mut bytes = payload;
        let [layout] = take(&mut bytes)?;
        if !(FIRST_LAYOUT..=LAYOUT).contains(&layout) {
            return None;
        }
        let mut owner = Owner {
            organization_id: Uuid::from_bytes(organization),
            project_id: Uuid::from_bytes(take(&mut bytes)?),
            retention_days: u16::from_le_bytes(take(&mut bytes)?),
            received_at_ms: i64::from_le_bytes(take(&mut bytes)?),
            key_id: Uuid::nil(),
        };
        let mut counts = Counts::default();
        if layout > FIRST_LAYOUT {
            owner.key_id = Uuid::from_bytes(take(&mut bytes)?);
            counts.rejected = u32::from_le_bytes(take(&mut bytes)?);
            counts.masked = u32::from_le_bytes(take(&mut bytes)?);
        }
        let row_count = u32::from_le_bytes(take(&mut bytes)?);
        let rows = take_bytes(&mut bytes)?.to_vec();
        let count = u32::from_le_bytes(take(&mut bytes)?);
        let rejected = (0..count).map(|_| read_rejected(&mut bytes)).collect::<Option<_>>()?;
        Some(Self { owner, rows, row_count, rejected, counts })
    }
}

impl Stored {
    /// Events, and their bytes.
    #[must_use]
    pub fn amount(&self) -> (u64, u64) {
        (u64::from(self.row_count), rows::event_bytes(&self.rows, self.row_count))
    }
}

fn read_rejected(bytes: &mut &[u8]) -> Option<Rejected> {
    let index = u32::from_le_bytes(take(bytes)?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = text(take_bytes(bytes)?);
    let reason = text(take_bytes(bytes)?);
    Some(Rejected { index, code, reason, original: take_bytes(bytes)?.to_vec() })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(bytes)?) as usize;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::rows::tests::row;

    fn accepted() -> Accepted {
        let mut rows = Rows::default();
        rows.push(&row(1, "one"));
        rows.push(&row(2, "two"));
        let owner = Owner {
            organization_id: Uuid::now_v7(),
            project_id: Uuid::now_v7(),
            retention_days: 30,
            received_at_ms: 1_700_000_000_000,
            key_id: Uuid::now_v7(),
        };
        let too_old = Rejected {
            index: 2,
            code: "too_old".into(),
            reason: "older than 30 days".into(),
            original: b"\xff".to_vec(),
        };
        Accepted { owner, rows, rejected: vec![too_old], counts: Counts { rejected: 2, masked: 3 } }
    }

    #[test]
    fn a_request_comes_back_as_it_went_in() {
        let sent = accepted();

        let back = Stored::decode(sent.owner.organization_id.into_bytes(), &sent.encode()).unwrap();

        assert_eq!((back.owner, back.row_count), (sent.owner, 2));
        assert_eq!((&back.rows[..], &back.rejected), (sent.rows.as_bytes(), &sent.rejected));
        assert_eq!(back.counts, sent.counts);
    }

    #[test]
    fn what_the_first_version_wrote_is_still_read() {
        let sent = accepted();
        let mut bytes = sent.encode();
        bytes[0] = FIRST_LAYOUT;
        let added = 1 + 16 + 2 + 8..1 + 16 + 2 + 8 + 24;
        bytes.drain(added);

        let back = Stored::decode(sent.owner.organization_id.into_bytes(), &bytes).unwrap();

        assert_eq!((back.owner.project_id, back.owner.key_id), (sent.owner.project_id, Uuid::nil()));
        assert_eq!((&back.rows[..], back.counts), (sent.rows.as_bytes(), Counts::default()));
    }

    #[test]
    fn a_cut_or_newer_payload_is_not_read() {
        let mut bytes = accepted().encode();
        for length in 0..bytes.len() {
            assert!(Stored::decode([0; 16], &bytes[..length]).is_none());
        }
        bytes[0] = 9;
        assert!(Stored::decode([0; 16], &bytes).is_none());
    }
}
