//! The small file that says how far the reader is done, and who this log is.
//!
//! Written beside and renamed over, both synced, so that it is always the old one or the new one. What it says is on
//! disk before anything that it allows to go is removed.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{Files, read_range};
use crate::record::{Lsn, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"CWPOINT1";
const BYTES: usize = 44;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Random name of the log; the seed of its checksums.
    pub id: [u8; 16],
    /// Everything below this is done with.
    pub done_before: Lsn,
    /// No segment that was ever removed had a higher epoch.
    pub epoch: u64,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}

/// Reads the checkpoint; `None` when there is none, or when it cannot be read as one.
pub(crate) fn load(files: &dyn Files, folder: &Path) -> io::Result<Option<Checkpoint>> {
    let file = match files.open(&path(folder)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = read_range(&*file, 0, BYTES as u64)?;
    if bytes.len() != BYTES || &bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..40]) != u32_at(&bytes, 40) {
        return Ok(None);
    }
    Ok(Some(Checkpoint {
        id: std::array::from_fn(|i| bytes[8 + i]),
        done_before: u64_at(&bytes, 24),
        epoch: u64_at(&bytes, 32),
    }))
}

/// Replaces the checkpoint; it is on disk when this returns.
pub(crate) fn save(files: &dyn Files, folder: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&checkpoint.id);
    bytes.extend_from_slice(&checkpoint.done_before.to_le_bytes());
    bytes.extend_from_slice(&checkpoint.epoch.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let beside = folder.join("checkpoint.new");
    let file = files.create(&beside, 0)?;
    file.write_at(&bytes, 0)?;
    file.sync()?;
    files.rename(&beside, &path(folder))?;
    files.sync_folder(folder)
}
