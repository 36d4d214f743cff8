//! Write-ahead log: accepted batches on disk until somebody else has them.
//!
//! - An entry whose `ack` got a position survives a crash and a power cut, and is handed out again by every reader from
//!   the checkpoint on, in order and once.
//! - What was refused is never handed out while the log runs; after a crash in that very moment it may be (its sender
//!   was told that it is not safe, not that it is gone).
//! - Damage is found, kept aside and counted; it never hides what is intact, and never passes as an unfinished write.
//! - A log that is full refuses before it accepts. One process has one folder.
//!
//! `fs` is the seam to the disk, `record` and `segment` the format, `recover` what opening does, `log` the writer
//! without threads, `wal` the thread before it, `reader` the way back out.

mod checkpoint;
pub mod fs;
mod log;
mod quarantine;
mod queue;
mod reader;
mod record;
mod recover;
mod segment;
mod shared;
mod wal;

pub use log::{AppendError, Log, OpenError, Options};
pub use reader::Reader;
pub use record::{Entry, Kind, Lsn, Record};
pub use recover::{Damage, RecoveryReport};
pub use wal::{Ack, Usage, Wal};
