//! Hands out the records in order, each that is on disk, once.
//!
//! A reader starts at the checkpoint and never sees a record before its sync. What turns out to be damaged while it
//! reads is copied to `quarantine/`, counted, and stepped over.

use std::io;
use std::sync::Arc;

use crate::fs::read_range;

use crate::quarantine;
use crate::record::{self, Entry, HEADER_BYTES, Header, Lsn, Record};
use crate::recover::Damage;
use crate::segment::{self, Segment};
use crate::shared::Shared;

/// Read this much at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// A place in the log.
pub struct Reader {
    shared: Arc<Shared>,
    next_lsn: Lsn,
    lost_records: u64,
    segment: Option<Open>,
}

/// The segment that is being read, and a stretch of it in memory.
struct Open {
    segment: Segment,
    offset: u64,
    chunk: Vec<u8>,
    chunk_at: u64,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let next_lsn = shared.state().done_before;
        Self { shared, next_lsn, lost_records: 0, segment: None }
    }

    /// The position that `next_record` will look at; everything before it was handed out or is lost.
    #[must_use]
    pub fn position(&self) -> Lsn {
        self.next_lsn
    }

    /// Records that turned out to be damaged while reading.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.lost_records
    }

    /// The next record, or `None` when all that is on disk was handed out.
    ///
    /// # Errors
    /// When the disk cannot be read; calling again tries again.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        while self.refresh() {
            let seed = self.shared.seed();
            let open = self.segment.as_mut().expect("refresh opened it");
            let Some((header, entry)) = open.read_record(seed)? else {
                self.step_over_damage()?;
                continue;
            };
            if header.lsn < self.next_lsn {
                continue;
            }
            self.next_lsn = header.next_lsn();
            if let Some(entry) = entry {
                return Ok(Some(Record { lsn: header.lsn, epoch: header.epoch, entry }));
            }
        }
        Ok(None)
    }

    /// Looks at the segment that holds the next position; false when there is none.
    fn refresh(&mut self) -> bool {
        let state = self.shared.state();
        let Some(wanted) = state.segments.iter().find(|segment| segment.next_lsn > self.next_lsn) else {
            return false;
        };
        match &mut self.segment {
            Some(open) if open.segment.path == wanted.path => {
                if open.segment.end != wanted.end {
                    open.segment = wanted.clone();
                }
            }
            open => {
                *open = Some(Open {
                    segment: wanted.clone(),
                    offset: segment::HEADER_BYTES,
                    chunk: Vec::new(),
                    chunk_at: 0,
                });
            }
        }
        true
    }

    fn step_over_damage(&mut self) -> io::Result<()> {
        let open = self.segment.as_mut().expect("called while reading a segment");
        let (segment, start) = (&open.segment, open.offset);
        let rest = read_range(&*segment.file, start + 8, segment.end)?;
        let found = record::scan(self.shared.seed(), segment.epoch, self.next_lsn, &rest, start + 8);
        let (lsn, end) = match found.records.first() {
            Some(next) => (next.lsn, next.range.start),
            None => (segment.next_lsn, segment.end),
        };
        let damage = Damage { file: segment.path.clone(), bytes: start..end };
        tracing::error!(file = %damage.file.display(), bytes = ?damage.bytes, "the log is damaged; the bytes are kept in quarantine");
        quarantine::copy(&*self.shared.files, &self.shared.folder, &damage)?;
        self.lost_records += lsn.saturating_sub(self.next_lsn);
        self.next_lsn = self.next_lsn.max(lsn);
        open.offset = end;
        Ok(())
    }
}

impl Open {
    /// The record at `offset`, behind known holes; `None` when none stands there whole.
    fn read_record(&mut self, seed: u32) -> io::Result<Option<(Header, Option<Entry>)>> {
        if let Some(hole) = self.segment.holes.iter().find(|hole| hole.start == self.offset) {
            self.offset = hole.end;
        }
        let offset = self.offset;
        let Some(header) = record::decode_header(seed, self.bytes(HEADER_BYTES)?, offset) else {
            return Ok(None);
        };
        let bytes = self.bytes(header.record_bytes())?;
        if !record::is_whole(&header, bytes) {
            return Ok(None);
        }
        let entry = record::entry_of(&header, bytes);
        self.offset += header.record_bytes() as u64;
        Ok(Some((header, entry)))
    }

    /// `wanted` bytes from `offset`, or what there is up to the end.
    fn bytes(&mut self, wanted: usize) -> io::Result<&[u8]> {
        let end = (self.offset + wanted as u64).min(self.segment.end);
        let chunk_end = self.chunk_at + self.chunk.len() as u64;
        if self.offset < self.chunk_at || end > chunk_end {
            let until = end.max(self.offset + CHUNK_BYTES).min(self.segment.end);
            self.chunk = read_range(&*self.segment.file, self.offset, until)?;
            self.chunk_at = self.offset;
        }
        let start = (self.offset - self.chunk_at) as usize;
        let stop = (end.saturating_sub(self.chunk_at) as usize).min(self.chunk.len());
        Ok(&self.chunk[start.min(stop)..stop])
    }
}
