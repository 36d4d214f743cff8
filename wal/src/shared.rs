//! What writer, readers and the checkpoint of one log have in common.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::checkpoint::{self, Checkpoint};
use crate::fs::Files;
use crate::record::Lsn;
use crate::segment::Segment;

/// A log on its folder.
pub(crate) struct Shared {
    pub files: Arc<dyn Files>,
    pub folder: PathBuf,
    pub id: [u8; 16],
    state: Mutex<State>,
    /// Held while the checkpoint file is written, so that it never goes back.
    saving: Mutex<()>,
    _lock: Box<dyn Any + Send + Sync>,
}

pub(crate) struct State {
    /// In order of position; only what is on disk.
    pub segments: Vec<Segment>,
    pub done_before: Lsn,
    pub epoch: u64,
    /// The last segment is being written to.
    pub active: bool,
}

impl Shared {
    pub fn new(
        files: Arc<dyn Files>,
        folder: PathBuf,
        id: [u8; 16],
        state: State,
        lock: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self { files, folder, id, state: Mutex::new(state), saving: Mutex::new(()), _lock: lock }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    pub fn seed(&self) -> u32 {
        crc32c::crc32c(&self.id)
    }

    /// Everything below `done_before` is done with: says so on disk, then removes the segments that only hold such.
    pub fn advance(&self, done_before: Lsn) -> io::Result<()> {
        let _saving = self.saving.lock().expect("no holder of this lock panics");
        let epoch = {
            let state = self.state();
            if done_before <= state.done_before {
                return Ok(());
            }
            state.epoch
        };
        checkpoint::save(&*self.files, &self.folder, &Checkpoint { id: self.id, done_before, epoch })?;
        failpoint::reach("checkpoint-saved");
        let mut result = Ok(());
        for path in self.state().release(done_before) {
            result = self.files.remove(&path).and(result);
        }
        result
    }
}

impl State {
    fn release(&mut self, done_before: Lsn) -> Vec<PathBuf> {
        self.done_before = done_before;
        let kept_last = usize::from(self.active);
        let closed = self.segments.len() - kept_last;
        let done =
            self.segments[..closed].iter().take_while(|segment| segment.next_lsn <= done_before).count();
        self.segments.drain(..done).map(|segment| segment.path).collect()
    }

    /// Bytes that the segments hold.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.end).sum()
    }
}
