//! A segment: one file of records whose positions follow each other.
//!
//! Its name and its header both tell the first position and the epoch. Epochs rise with every segment that had to
//! replace another (a restart, a failed sync); where two segments claim a position, the higher epoch is right.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{Files, Storage};
use crate::record::{Lsn, u32_at, u64_at};

/// Records begin here.
pub(crate) const HEADER_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"CWSEGMT1";

/// A segment as readers may see it: only what is on disk.
#[derive(Clone)]
pub(crate) struct Segment {
    pub path: PathBuf,
    pub file: Arc<dyn Storage>,
    pub epoch: u64,
    pub first_lsn: Lsn,
    /// One more than its last record.
    pub next_lsn: Lsn,
    /// Where its last record ends.
    pub end: u64,
    /// Bytes known to be damaged; readers step over them.
    pub holes: Vec<Range<u64>>,
}

/// Who a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub first_lsn: Lsn,
    pub epoch: u64,
}

impl Identity {
    pub fn file_name(self) -> String {
        format!("{:020}-{:010}.wal", self.first_lsn, self.epoch)
    }

    pub fn of_file_name(name: &str) -> Option<Self> {
        let (first_lsn, epoch) = name.strip_suffix(".wal")?.split_once('-')?;
        Some(Self { first_lsn: first_lsn.parse().ok()?, epoch: epoch.parse().ok()? })
    }

    /// Reads the header of a segment: the log's id and the segment's identity.
    pub fn of_header(bytes: &[u8]) -> Option<([u8; 16], Self)> {
        let header = bytes.get(..HEADER_BYTES as usize)?;
        if &header[..8] != MAGIC || crc32c::crc32c(&header[..60]) != u32_at(header, 60) {
            return None;
        }
        let identity = Self { first_lsn: u64_at(header, 24), epoch: u64_at(header, 32) };
        Some((std::array::from_fn(|i| header[8 + i]), identity))
    }

    fn header(self, id: &[u8; 16]) -> [u8; HEADER_BYTES as usize] {
        let mut header = [0; HEADER_BYTES as usize];
        header[..8].copy_from_slice(MAGIC);
        header[8..24].copy_from_slice(id);
        header[24..32].copy_from_slice(&self.first_lsn.to_le_bytes());
        header[32..40].copy_from_slice(&self.epoch.to_le_bytes());
        let crc = crc32c::crc32c(&header[..60]);
        header[60..].copy_from_slice(&crc.to_le_bytes());
        header
    }
}

/// Creates an empty segment of `bytes` preallocated bytes; header and name are on disk when this returns.
pub(crate) fn create(
    files: &dyn Files,
    folder: &Path,
    id: &[u8; 16],
    identity: Identity,
    bytes: u64,
) -> io::Result<Segment> {
    let path = folder.join(identity.file_name());
    let made = files.create(&path, bytes).and_then(|file| {
        failpoint::reach("segment-created");
        file.write_at(&identity.header(id), 0)?;
        file.sync()?;
        files.sync_folder(folder)?;
        Ok(file)
    });
    match made {
        Ok(file) => Ok(Segment {
            path,
            file,
            epoch: identity.epoch,
            first_lsn: identity.first_lsn,
            next_lsn: identity.first_lsn,
            end: HEADER_BYTES,
            holes: Vec::new(),
        }),
        Err(error) => {
            // Give the space back; the file may not even be there.
            files.remove(&path).ok();
            Err(error)
        }
    }
}
