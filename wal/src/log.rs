//! The log itself, without threads: `commit` writes a group of entries, syncs once, and says which are on disk.
//!
//! A sync that failed is never tried again on the same file: the kernel may have dropped the pages and call the next
//! sync a success. The group is written once more to a new segment of a higher epoch, or refused.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::fs::{Files, Storage};
use crate::reader::Reader;
use crate::record::{self, Class, Entry, HEADER_BYTES as MARK_BYTES, Kind, Lsn, MAX_PAYLOAD_BYTES, Stamp};
use crate::recover::{RecoveryReport, recover};
use crate::segment::{self, HEADER_BYTES, Identity};
use crate::shared::{Shared, State};

/// Each segment keeps this much for control records, so that the reader can go on when data is refused.
const CONTROL_BYTES: u64 = 64 << 10;

/// Sizes of a log; the defaults are the ones the documentation promises.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment is begun when this many bytes are written.
    pub segment_bytes: u64,
    /// Data is refused when the segments hold this much.
    pub capacity_bytes: u64,
    /// Data is refused when less than this is free on the disk …
    pub reserve_bytes: u64,
    /// … or less than this part of it, in percent.
    pub reserve_percent: u64,
    /// One sync covers at most this many bytes …
    pub group_bytes: usize,
    /// … and this many entries.
    pub group_entries: usize,
    /// Entries that wait for the writer hold at most this much memory, those of one tenant a quarter of it; beyond it they are refused.
    pub queue_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            capacity_bytes: 10 << 30,
            reserve_bytes: 1 << 30,
            reserve_percent: 5,
            group_bytes: 4 << 20,
            group_entries: 512,
            queue_bytes: 64 << 20,
        }
    }
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another process uses the log in {}", .0.display())]
    InUse(PathBuf),
    #[error("failed to open the log in {}", folder.display())]
    Io {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Why an entry is not on disk.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the log holds as much as it may")]
    Full,
    #[error("the disk has no room beyond its reserve")]
    DiskFull,
    #[error("too much waits for the disk")]
    Busy,
    #[error("an entry of {0} bytes is longer than a log takes")]
    TooLarge(usize),
    #[error("the disk refused the write")]
    Io(#[source] Arc<io::Error>),
    #[error("the log is closed")]
    Closed,
}

impl AppendError {
    fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(Arc::new(error)),
        }
    }
}

/// A log whose writer is the caller's thread. `Wal` puts a thread and a queue before it.
pub struct Log {
    shared: Arc<Shared>,
    options: Options,
    next_lsn: Lsn,
    epoch: u64,
    /// The last mark says that everything up to here is on disk.
    proven: Lsn,
    /// Preallocated bytes of the segment being written; `None` when the next group has to begin one.
    active_bytes: Option<u64>,
    buffer: Vec<u8>,
}

impl Log {
    /// Opens the log in `folder`, makes it clean, and says what it found.
    pub fn open(
        files: Arc<dyn Files>,
        folder: &Path,
        options: Options,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let failed = |source| OpenError::Io { folder: folder.to_owned(), source };
        files.prepare_folder(folder).map_err(failed)?;
        let lock = files.lock(&folder.join("lock")).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse(folder.to_owned()),
            _ => failed(error),
        })?;
        let recovered = recover(&*files, folder).map_err(failed)?;
        let Checkpoint { id, done_before, epoch } = recovered.checkpoint;
        let state = State { segments: recovered.segments, done_before, epoch, active: false };
        let shared = Shared::new(files, folder.to_owned(), id, state, lock);
        let log = Self {
            shared: Arc::new(shared),
            options,
            next_lsn: recovered.next_lsn,
            epoch,
            proven: 0,
            active_bytes: None,
            buffer: Vec::new(),
        };
        Ok((log, recovered.report))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Reads on from the checkpoint.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Everything below `done_before` may be forgotten.
    ///
    /// # Errors
    /// When the checkpoint could not be written; nothing is forgotten then.
    pub fn advance(&self, done_before: Lsn) -> io::Result<()> {
        self.shared.advance(done_before)
    }

    /// Writes the entries with one sync. Each answer is a position that is on disk, or why the entry is not.
    pub fn commit(&mut self, group: &[&Entry]) -> Vec<Result<Lsn, AppendError>> {
        let mut answers = self.admit(group);
        if let Err(error) = self.write_admitted(group, &mut answers) {
            refuse(group, &mut answers, &error, |_| true);
        }
        answers
    }

    fn write_admitted(
        &mut self,
        group: &[&Entry],
        answers: &mut [Result<Lsn, AppendError>],
    ) -> Result<(), AppendError> {
        let Err(error) = self.write(&admitted(group, answers)) else { return Ok(()) };
        // No room for a new segment: what helps to empty the log may still fit into the old one.
        refuse(group, answers, &error, |entry| entry.kind == Kind::Data);
        for (answer, lsn) in answers.iter_mut().filter(|answer| answer.is_ok()).zip(self.next_lsn..) {
            *answer = Ok(lsn);
        }
        self.write(&admitted(group, answers))
    }

    /// Decides which entries there is room for, and gives those the positions they will have.
    fn admit(&self, group: &[&Entry]) -> Vec<Result<Lsn, AppendError>> {
        let disk_full = self.disk_is_full();
        let mut room = self.options.capacity_bytes.saturating_sub(self.shared.state().bytes());
        let mut next_lsn = self.next_lsn;
        let mut admit = |entry: &Entry| {
            let bytes = record::encoded_bytes(entry) as u64;
            if entry.payload.len() > MAX_PAYLOAD_BYTES || bytes > self.options.capacity_bytes / 4 {
                return Err(AppendError::TooLarge(entry.payload.len()));
            }
            if entry.kind == Kind::Data {
                if bytes > room {
                    return Err(AppendError::Full);
                }
                if disk_full {
                    return Err(AppendError::DiskFull);
                }
            }
            room = room.saturating_sub(bytes);
            next_lsn += 1;
            Ok(next_lsn - 1)
        };
        group.iter().map(|entry| admit(entry)).collect()
    }

    fn disk_is_full(&self) -> bool {
        match self.shared.files.space(&self.shared.folder) {
            Ok(space) => {
                let share = space.total / 100 * self.options.reserve_percent;
                space.available < self.options.reserve_bytes.max(share)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot tell how much room the log's disk has");
                false
            }
        }
    }

    /// Writes and syncs; after a failure once more, to a new segment.
    fn write(&mut self, entries: &[&Entry]) -> Result<(), AppendError> {
        if entries.is_empty() {
            return Ok(());
        }
        let bytes = entries.iter().map(|entry| record::encoded_bytes(entry) as u64).sum();
        let only_control = entries.iter().all(|entry| entry.kind == Kind::Control);
        self.try_write(entries, bytes, only_control)
            .or_else(|error| {
                tracing::error!(%error, "a write to the log failed");
                self.try_write(entries, bytes, only_control)
            })
            .map_err(AppendError::of_io)
    }

    fn try_write(&mut self, entries: &[&Entry], bytes: u64, only_control: bool) -> io::Result<()> {
        self.ensure_segment(bytes, only_control)?;
        let written = self.write_group(entries, bytes);
        if written.is_err() {
            self.close_segment();
        }
        written
    }

    fn write_group(&mut self, entries: &[&Entry], bytes: u64) -> io::Result<()> {
        let (file, epoch, end) = self.active();
        self.buffer.clear();
        let (seed, synced) = (self.shared.seed(), self.next_lsn - 1);
        for (entry, lsn) in entries.iter().zip(self.next_lsn..) {
            let offset = end + self.buffer.len() as u64;
            record::encode(&mut self.buffer, seed, entry, Stamp { lsn, epoch, synced, offset });
        }
        file.write_at(&self.buffer, end)?;
        failpoint::reach("wal-written");
        file.sync()?;
        failpoint::reach("wal-synced");
        self.next_lsn += entries.len() as u64;
        self.extend_active(end + bytes);
        Ok(())
    }

    /// Writes a mark, so that everything on disk so far is proven to have been: damage to it cannot pass as a write
    /// that never finished. Does nothing when there is nothing to prove, or no room.
    ///
    /// # Errors
    /// When the disk refuses; nothing is lost by that.
    pub fn mark(&mut self) -> io::Result<()> {
        let Some(size) = self.active_bytes.filter(|_| self.proven < self.next_lsn - 1) else { return Ok(()) };
        let (file, epoch, end) = self.active();
        if end + MARK_BYTES as u64 > size {
            return Ok(());
        }
        self.buffer.clear();
        let stamp = Stamp { lsn: self.next_lsn, epoch, synced: self.next_lsn - 1, offset: end };
        record::encode_own(&mut self.buffer, self.shared.seed(), Class::Mark, MARK_BYTES, stamp);
        if let Err(error) = file.write_at(&self.buffer, end).and_then(|()| file.sync()) {
            self.close_segment();
            return Err(error);
        }
        self.proven = self.next_lsn - 1;
        self.extend_active(end + MARK_BYTES as u64);
        Ok(())
    }

    fn active(&self) -> (Arc<dyn Storage>, u64, u64) {
        let state = self.shared.state();
        let active = state.segments.last().expect("asked only while a segment is open");
        (Arc::clone(&active.file), active.epoch, active.end)
    }

    fn extend_active(&mut self, end: u64) {
        let mut state = self.shared.state();
        let active = state.segments.last_mut().expect("asked only while a segment is open");
        active.end = end;
        active.next_lsn = self.next_lsn;
    }

    /// Begins a segment when there is none, or when the group does not fit into it.
    fn ensure_segment(&mut self, group_bytes: u64, only_control: bool) -> io::Result<()> {
        let kept_free = if only_control { 0 } else { self.control_bytes() };
        if let Some(size) = self.active_bytes {
            let end = self.shared.state().segments.last().map_or(0, |active| active.end);
            if end + group_bytes + kept_free <= size {
                return Ok(());
            }
        }
        let size = self.segment_bytes().max(HEADER_BYTES + group_bytes + self.control_bytes());
        self.epoch += 1;
        let identity = Identity { first_lsn: self.next_lsn, epoch: self.epoch };
        let Shared { files, folder, id, .. } = &*self.shared;
        let segment = segment::create(&**files, folder, id, identity, size)?;
        failpoint::reach("segment-begun");
        self.close_segment();
        self.proven = self.next_lsn - 1; // the new segment's first position says so
        let mut state = self.shared.state();
        state.segments.push(segment);
        state.active = true;
        state.epoch = self.epoch;
        self.active_bytes = Some(size);
        Ok(())
    }

    /// A full log must hold several segments, or it could never let one go.
    fn segment_bytes(&self) -> u64 {
        self.options.segment_bytes.min(self.options.capacity_bytes / 4)
    }

    fn control_bytes(&self) -> u64 {
        CONTROL_BYTES.min(self.segment_bytes() / 8)
    }

    /// What is in its file beyond the last good sync never counts: the next segment claims those positions under a
    /// higher epoch.
    fn close_segment(&mut self) {
        if self.active_bytes.take().is_none() {
            return;
        }
        let mut state = self.shared.state();
        state.active = false;
        let Some(segment) = state.segments.last() else { return };
        // Gives back what was preallocated; a failure only costs room.
        segment.file.truncate(segment.end).ok();
        if segment.next_lsn == segment.first_lsn {
            self.shared.files.remove(&segment.path).ok();
            state.segments.pop();
        }
    }
}

fn admitted<'a>(group: &[&'a Entry], answers: &[Result<Lsn, AppendError>]) -> Vec<&'a Entry> {
    group.iter().zip(answers).filter_map(|(entry, answer)| answer.is_ok().then_some(*entry)).collect()
}

/// Turns the good answers of those that `which` picks into refusals.
fn refuse(
    group: &[&Entry],
    answers: &mut [Result<Lsn, AppendError>],
    error: &AppendError,
    which: impl Fn(&Entry) -> bool,
) {
    for (entry, answer) in group.iter().zip(answers) {
        if answer.is_ok() && which(entry) {
            *answer = Err(error.clone());
        }
    }
}
