//! A dead letter: an event that is not stored, as it goes to the metadata database.
//!
//! Its id is made of the log, the position and the place there, so that writing it twice changes nothing.

use crate::ingest::accepted::Rejected;
use crate::ingest::delivery::RefusedRow;
use crate::ingest::rows::{Owner, Row};
use crate::ingest::seal::SealedBatch;
use event::{Level, write_json_string};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wal::Lsn;

/// Why ClickHouse's refusals are listed under one code: its own words are the reason.
pub const REFUSED: &str = "refused_by_store";

/// Where a letter's request stands in which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub log_id: [u8; 16],
    pub lsn: Lsn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub project_id: Uuid,
    pub received_at_ms: i64,
    pub code: String,
    pub reason: String,
    pub original: Vec<u8>,
    pub origin: Origin,
}

impl Letter {
    /// An event that was rejected on arrival.
    #[must_use]
    pub fn of_rejected(origin: Origin, owner: &Owner, rejected: Rejected) -> Self {
        let place = format!("rejected {}", rejected.index);
        Self::new(origin, owner, &place, rejected.code, rejected.reason, rejected.original)
    }

    /// A row that the log store refused, as an event that ingest would take again.
    #[must_use]
    pub fn of_refused(log_id: [u8; 16], batch: &SealedBatch, refused: RefusedRow) -> Option<Self> {
        let (lsn, owner, row) = batch.row(refused.row)?;
        let origin = Origin { log_id, lsn };
        let place = format!("refused {} {}", batch.id, refused.row);
        Some(Self::new(origin, &owner, &place, REFUSED.into(), refused.reason, event_of(&row)))
    }

    fn new(
        origin: Origin,
        owner: &Owner,
        place: &str,
        code: String,
        reason: String,
        original: Vec<u8>,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(origin.log_id);
        hash.update(origin.lsn.to_le_bytes());
        hash.update(place);
        let hash = hash.finalize();
        let millis = u64::try_from(owner.received_at_ms).unwrap_or(0);
        Self {
            id: uuid::Builder::from_unix_timestamp_millis(millis, &std::array::from_fn(|i| hash[i]))
                .into_uuid(),
            organization_id: owner.organization_id,
            project_id: owner.project_id,
            received_at_ms: owner.received_at_ms,
            code,
            reason,
            original,
            origin,
        }
    }

    /// What it takes in memory, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.original.len() + self.reason.len() + 200
    }
}

/// The row as a native event.
fn event_of(row: &Row<'_>) -> Vec<u8> {
    let mut out = b"{\"timestamp\":\"".to_vec();
    event::time::write_rfc3339(row.timestamp_ns, &mut out);
    out.extend_from_slice(b"\",\"level\":");
    match Level::from_u8(row.level).and_then(Level::name) {
        Some(name) => write_json_string(name, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    let texts = [
        ("source", row.source),
        ("host", row.host),
        ("message", row.message),
        ("trace_id", row.trace_id),
        ("span_id", row.span_id),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.push(b',');
        write_json_string(name, &mut out);
        out.push(b':');
        write_json_string(text, &mut out);
    }
    out.extend_from_slice(b",\"attributes\":");
    out.extend_from_slice(row.attributes.as_bytes());
    out.push(b'}');
    out
}
