//! A log with its own writer thread: callers hand over an entry and are told when it is on disk.
//!
//! Groups need no timer: whatever queued while one sync ran goes with the next, one entry of each tenant in turn.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::fs::{DiskFiles, Files};
use crate::log::{AppendError, Log, OpenError, Options};
use crate::queue::{FairQueue, Room};
use crate::reader::Reader;
use crate::record::{Entry, Lsn, encoded_bytes};
use crate::recover::RecoveryReport;
use crate::shared::Shared;

/// A log that was not written to for this long leaves a mark behind what it holds.
const QUIET: Duration = Duration::from_millis(500);

/// Called once, on the writer's thread: keep it short.
pub type Ack = Box<dyn FnOnce(Result<Lsn, AppendError>) + Send>;

struct Job {
    entry: Entry,
    ack: Ack,
}

/// What a log holds right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub bytes: u64,
    pub capacity_bytes: u64,
    /// Records on disk that the checkpoint has not passed.
    pub waiting_records: u64,
    pub queued_bytes: usize,
}

/// A write-ahead log. Dropping it writes what is queued, and stops the thread.
pub struct Wal {
    shared: Arc<Shared>,
    options: Options,
    room: Arc<Room>,
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Wal {
    /// Opens the log in `folder`. `on_commit` is called on the writer's thread whenever there is more to read.
    ///
    /// # Errors
    /// When another process uses the folder, or it cannot be read or written.
    pub fn open(
        folder: &Path,
        options: Options,
        on_commit: impl Fn() + Send + 'static,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_on(Arc::new(DiskFiles), folder, options, on_commit)
    }

    /// The same on other files than the disk's.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_on(
        files: Arc<dyn Files>,
        folder: &Path,
        options: Options,
        on_commit: impl Fn() + Send + 'static,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let (log, report) = Log::open(files, folder, options.clone())?;
        let shared = Arc::clone(log.shared());
        let room = Arc::new(Room::new(options.queue_bytes));
        let (jobs, arriving) = channel();
        let writer = Writer {
            log,
            options: options.clone(),
            arriving,
            queue: FairQueue::new(),
            room: Arc::clone(&room),
        };
        let thread = std::thread::Builder::new()
            .name("wal".into())
            .spawn(move || writer.run(on_commit))
            .map_err(|source| OpenError::Io { folder: folder.to_owned(), source })?;
        Ok((Self { shared, options, room, jobs: Some(jobs), writer: Some(thread) }, report))
    }

    /// Queues an entry. `ack` is called exactly once: with a position when the entry is on disk, or with the reason
    /// why it is not and will not be.
    pub fn append(&self, entry: Entry, ack: impl FnOnce(Result<Lsn, AppendError>) + Send + 'static) {
        let (tenant, bytes) = (entry.tenant, encoded_bytes(&entry));
        if !self.room.take(tenant, bytes) {
            return ack(Err(AppendError::Busy));
        }
        let jobs = self.jobs.as_ref().expect("only dropped with the log");
        if let Err(refused) = jobs.send(Job { entry, ack: Box::new(ack) }) {
            self.room.give_back(tenant, bytes);
            (refused.0.ack)(Err(AppendError::Closed));
        }
    }

    /// Random name of this log: made with the folder, the same after every restart.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.shared.id
    }

    /// Reads on from the checkpoint.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Everything below this position is done with.
    #[must_use]
    pub fn checkpoint(&self) -> Lsn {
        self.shared.state().done_before
    }

    /// The position that the next entry will get.
    #[must_use]
    pub fn next_lsn(&self) -> Lsn {
        let state = self.shared.state();
        state.segments.last().map_or(state.done_before, |last| last.next_lsn)
    }

    /// Everything below `done_before` may be forgotten. Waits for the disk.
    ///
    /// # Errors
    /// When the checkpoint could not be written; nothing is forgotten then.
    pub fn advance(&self, done_before: Lsn) -> io::Result<()> {
        self.shared.advance(done_before)
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        let state = self.shared.state();
        let next_lsn = state.segments.last().map_or(state.done_before, |last| last.next_lsn);
        Usage {
            bytes: state.bytes(),
            capacity_bytes: self.options.capacity_bytes,
            waiting_records: next_lsn.saturating_sub(state.done_before),
            queued_bytes: self.room.used(),
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the log's writer panicked");
        }
    }
}

struct Writer {
    log: Log,
    options: Options,
    arriving: Receiver<Job>,
    queue: FairQueue<Job>,
    room: Arc<Room>,
}

impl Writer {
    fn run(mut self, on_commit: impl Fn()) {
        loop {
            let group = self.gather();
            if group.is_empty() {
                if !self.wait() {
                    break;
                }
                continue;
            }
            let entries: Vec<&Entry> = group.iter().map(|job| &job.entry).collect();
            let answers = self.log.commit(&entries);
            entries.iter().for_each(|entry| self.room.give_back(entry.tenant, encoded_bytes(entry)));
            let committed = answers.iter().any(Result::is_ok);
            for (job, answer) in group.into_iter().zip(answers) {
                (job.ack)(answer);
            }
            if committed {
                on_commit();
            }
        }
        self.mark();
    }

    /// Waits for the next entry; false when the log was dropped.
    fn wait(&mut self) -> bool {
        let job = match self.arriving.recv_timeout(QUIET) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.mark();
                self.arriving.recv().ok()
            }
        };
        job.map(|job| self.queue.push(job.entry.tenant, job)).is_some()
    }

    fn mark(&mut self) {
        if let Err(error) = self.log.mark() {
            tracing::warn!(%error, "cannot write a mark to the log");
        }
    }

    /// Takes what is queued already, up to the size of a group; what would be too much goes with the next one.
    fn gather(&mut self) -> Vec<Job> {
        while let Ok(job) = self.arriving.try_recv() {
            self.queue.push(job.entry.tenant, job);
        }
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < self.options.group_entries {
            let is_first = group.is_empty();
            let fits = |job: &Job| is_first || bytes + encoded_bytes(&job.entry) <= self.options.group_bytes;
            let Some(job) = self.queue.pop_if(fits) else { break };
            bytes += encoded_bytes(&job.entry);
            group.push(job);
        }
        group
    }
}
