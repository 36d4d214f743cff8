//! What stands in the folder when a log is opened: which records count, what was lost, what never finished.
//!
//! A hole is *torn* when nothing proves that its records were ever on disk: the crash came before the sync, nobody was
//! told that they are safe. The log is cut there, or the hole filled when something whole follows it. A hole is *damage* when a later record or segment, or the
//! checkpoint, proves that they were: the bytes are copied to `quarantine/`, the missing positions are counted, and
//! everything intact behind the hole still counts.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{self, Checkpoint};
use crate::fs::{Files, Storage, read_range};
use crate::quarantine;
use crate::record::{self, Class, Lsn, Placed, Scan, Stamp};
use crate::segment::{HEADER_BYTES, Identity, Segment};

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Intact records that still wait for the reader.
    pub waiting_records: u64,
    /// Records that were acknowledged and cannot be read any more.
    pub lost_records: u64,
    /// Damaged stretches, each copied to `quarantine/`.
    pub damage: Vec<Damage>,
    /// Bytes of writes that had not finished when the log stopped; none of them was acknowledged.
    pub torn_bytes: u64,
    /// The checkpoint could not be read: everything in the log will be handed out again.
    pub checkpoint_lost: bool,
}

/// One damaged stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    pub bytes: Range<u64>,
}

pub(crate) struct Recovered {
    pub checkpoint: Checkpoint,
    pub segments: Vec<Segment>,
    pub next_lsn: Lsn,
    pub report: RecoveryReport,
}

/// A segment file before it is known which of its records count.
struct Found {
    path: PathBuf,
    file: Arc<dyn Storage>,
    identity: Identity,
    has_header: bool,
    scan: Scan,
    /// Behind the last byte that is not zero.
    written_end: u64,
    /// Torn stretches with something whole behind them.
    torn: Vec<Range<u64>>,
}

/// Reads the folder and makes it clean; afterwards every record of `segments` is on disk.
pub(crate) fn recover(files: &dyn Files, folder: &Path) -> io::Result<Recovered> {
    let saved = checkpoint::load(files, folder)?;
    let mut report = RecoveryReport::default();
    let (id, mut found) = find_segments(files, folder, saved.map(|saved| saved.id), &mut report)?;
    report.checkpoint_lost = saved.is_none() && !found.is_empty();
    let first_lsn = found.first().map_or(1, |segment| segment.identity.first_lsn);
    let done_before = saved.map_or(first_lsn, |saved| saved.done_before);
    let highest_epoch =
        found.iter().map(|segment| segment.identity.epoch).chain(saved.map(|saved| saved.epoch));
    let checkpoint = Checkpoint { id, done_before, epoch: highest_epoch.max().unwrap_or(0) + 1 };

    drop_superseded(&mut found);
    let proven = proven(&found, done_before);
    let mut walk = Walk { proven, done_before, next_lsn: done_before, report: &mut report };
    found.iter_mut().for_each(|segment| walk.segment(segment));
    let next_lsn = walk.finish();
    let damage: Vec<Damage> =
        found.iter().flat_map(|segment| damage_in(segment, &found, done_before..proven + 1)).collect();
    for damage in damage {
        quarantine::copy(files, folder, &damage)?;
        report.damage.push(damage);
    }
    for segment in &found {
        for bytes in segment.torn.iter().cloned() {
            quarantine::copy(files, folder, &Damage { file: segment.path.clone(), bytes })?;
        }
    }
    // Before anything is cut or removed: a later start must not use an epoch again.
    checkpoint::save(files, folder, &checkpoint)?;
    let segments = settle(files, folder, found, &checkpoint, &mut report)?;
    Ok(Recovered { checkpoint, segments, next_lsn, report })
}

/// Opens and scans every segment file, sorted by position; puts aside what cannot be told.
fn find_segments(
    files: &dyn Files,
    folder: &Path,
    saved_id: Option<[u8; 16]>,
    report: &mut RecoveryReport,
) -> io::Result<([u8; 16], Vec<Found>)> {
    let mut opened = Vec::new();
    let mut names = files.names(folder)?;
    names.retain(|name| name.ends_with(".wal"));
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let file = files.open(&path)?;
        let header = Identity::of_header(&read_range(&*file, 0, HEADER_BYTES)?);
        opened.push((name, path, file, header));
    }
    let from_header = opened.iter().find_map(|(.., header)| header.map(|(id, _)| id));
    let id = saved_id.or(from_header).unwrap_or_else(random_id);
    let mut found = Vec::new();
    let settled: Vec<Identity> = opened
        .iter()
        .filter_map(|(name, .., header)| {
            header.map(|(_, identity)| identity).filter(|it| it.file_name() == *name)
        })
        .collect();
    for (name, path, file, header) in opened {
        // Where name and header differ the header is right (somebody renamed the file), unless this is the place of
        // another segment and the one of the header stands in its own: then these are stale bytes in a file that never
        // got its own header.
        let place = Identity::of_file_name(&name);
        let own = header
            .filter(|(owner, _)| *owner == id)
            .map(|(_, identity)| identity)
            .filter(|identity| place.is_none() || place == Some(*identity) || !settled.contains(identity));
        let stranger = header.is_some_and(|(owner, _)| owner != id);
        let Some(identity) = own.or(place).filter(|_| !stranger) else {
            set_aside(files, folder, &path, &*file, report)?;
            continue;
        };
        let (scan, written_end) = scan_file(&*file, &id, identity)?;
        found.push(Found {
            path,
            file,
            identity,
            has_header: own.is_some(),
            scan,
            written_end,
            torn: Vec::new(),
        });
    }
    found.sort_by_key(|segment| (segment.identity.first_lsn, segment.identity.epoch));
    let found = without_doubles(files, folder, (&id, found), report)?;
    Ok((id, found))
}

/// Where two files say that they are one segment (somebody put a copy or an older state back), the first takes over
/// what only the other has whole.
fn without_doubles(
    files: &dyn Files,
    folder: &Path,
    (id, found): (&[u8; 16], Vec<Found>),
    report: &mut RecoveryReport,
) -> io::Result<Vec<Found>> {
    let mut kept: Vec<Found> = Vec::new();
    for mut segment in found {
        let Some(same) = kept.last_mut().filter(|last| last.identity == segment.identity) else {
            kept.push(segment);
            continue;
        };
        if segment.has_header && !same.has_header {
            std::mem::swap(same, &mut segment);
        }
        for range in segment.scan.records.iter().map(|record| &record.range) {
            let free = |other: &Placed| other.range.end <= range.start || range.end <= other.range.start;
            if same.scan.records.iter().all(free) {
                same.file.write_at(&read_range(&*segment.file, range.start, range.end)?, range.start)?;
            }
        }
        same.file.sync()?;
        (same.scan, same.written_end) = scan_file(&*same.file, id, same.identity)?;
        set_aside(files, folder, &segment.path, &*segment.file, report)?;
    }
    Ok(kept)
}

/// Random enough to name a log: the standard library seeds its hash maps from the operating system.
fn random_id() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(std::process::id()).to_le_bytes();
    let (low, high) = (half(), half());
    std::array::from_fn(|i| if i < 8 { low[i] } else { high[i - 8] })
}

fn scan_file(file: &dyn Storage, id: &[u8; 16], identity: Identity) -> io::Result<(Scan, u64)> {
    let bytes = read_range(file, HEADER_BYTES, file.bytes()?)?;
    let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1);
    let scan = record::scan(crc32c::crc32c(id), identity.epoch, identity.first_lsn, &bytes, HEADER_BYTES);
    Ok((scan, HEADER_BYTES + written))
}

fn set_aside(
    files: &dyn Files,
    folder: &Path,
    path: &Path,
    file: &dyn Storage,
    report: &mut RecoveryReport,
) -> io::Result<()> {
    let damage = Damage { file: path.to_owned(), bytes: 0..file.bytes()? };
    quarantine::take(files, folder, path)?;
    report.damage.push(damage);
    Ok(())
}

/// Drops records whose position a segment of a higher epoch claims.
fn drop_superseded(found: &mut [Found]) {
    // A segment without records claims nothing: its making may have failed, and the older one gone on.
    let begun = found.iter().filter(|segment| !segment.scan.records.is_empty());
    let claims: Vec<Identity> = begun.map(|segment| segment.identity).collect();
    for segment in found {
        let newer = claims.iter().filter(|claim| claim.epoch > segment.identity.epoch);
        let limit = newer.map(|claim| claim.first_lsn).min().unwrap_or(Lsn::MAX);
        segment.scan.records.retain(|record| record.next_lsn <= limit);
    }
}

/// The highest position that is known to have been on disk.
fn proven(found: &[Found], done_before: Lsn) -> Lsn {
    // A segment is only begun when everything before it is synced.
    let begun = found.iter().filter(|segment| segment.has_header || !segment.scan.records.is_empty());
    let begun = begun.map(|segment| segment.identity.first_lsn.saturating_sub(1));
    let told = found.iter().map(|segment| segment.scan.proven);
    begun.chain(told).max().unwrap_or(0).max(done_before.saturating_sub(1))
}

/// Walks the positions upward: counts holes up to `proven`, fills holes above it, or cuts where that cannot be done.
struct Walk<'a> {
    proven: Lsn,
    done_before: Lsn,
    next_lsn: Lsn,
    report: &'a mut RecoveryReport,
}

impl Walk<'_> {
    fn segment(&mut self, segment: &mut Found) {
        let mut end = HEADER_BYTES;
        let mut kept: Vec<Placed> = Vec::new();
        for record in std::mem::take(&mut segment.scan.records) {
            if record.next_lsn > self.done_before {
                if record.lsn < self.next_lsn {
                    continue;
                }
                if self.tear_before(&record) {
                    let hole = end..record.range.start;
                    if hole.end - hole.start < record::HEADER_BYTES as u64 {
                        break;
                    }
                    kept.push(Placed {
                        lsn: record.lsn,
                        next_lsn: record.lsn,
                        synced: self.proven,
                        class: Class::Filler,
                        range: hole.clone(),
                    });
                    self.report.torn_bytes += hole.end - hole.start;
                    segment.torn.push(hole);
                }
                self.report.lost_records += self.lost_before(&record);
                self.report.waiting_records += record.next_lsn - record.lsn;
                self.next_lsn = record.next_lsn;
            }
            end = record.range.end;
            kept.push(record);
        }
        segment.scan.records = kept;
    }

    /// Whether positions are missing before this record that nobody was told are safe.
    fn tear_before(&self, record: &Placed) -> bool {
        record.class != Class::Filler && record.lsn > self.next_lsn.max(self.proven + 1)
    }

    fn lost_before(&self, record: &Placed) -> u64 {
        let synced = if record.class == Class::Filler { record.synced } else { self.proven };
        record.lsn.min(synced + 1).saturating_sub(self.next_lsn)
    }

    /// The first position that is free.
    fn finish(self) -> Lsn {
        self.report.lost_records += (self.proven + 1).saturating_sub(self.next_lsn);
        self.next_lsn.max(self.proven + 1)
    }
}

/// The stretches of a segment that held acknowledged records, still `wanted`, and do not any more.
fn damage_in(segment: &Found, all: &[Found], wanted: Range<Lsn>) -> Vec<Damage> {
    let damage = |bytes| Damage { file: segment.path.clone(), bytes };
    let mut damaged: Vec<Damage> = holes(&segment.scan, wanted.start).into_iter().map(damage).collect();
    let (next_lsn, end) = kept_end(segment);
    let firsts = all.iter().filter_map(|segment| segment.scan.records.first());
    let goes_on = firsts.map(|first| first.lsn).any(|first| first == next_lsn);
    if segment.written_end > end && wanted.contains(&next_lsn) && !goes_on {
        damaged.push(damage(end..segment.written_end));
    }
    if !segment.has_header && segment.scan.records.iter().any(|record| wanted.contains(&record.lsn)) {
        damaged.push(damage(0..HEADER_BYTES));
    }
    damaged
}

/// Bytes between records that count, where records from `first_lsn` on may have stood.
fn holes(scan: &Scan, first_lsn: Lsn) -> Vec<Range<u64>> {
    let ends = std::iter::once(HEADER_BYTES).chain(scan.records.iter().map(|record| record.range.end));
    let between = ends.zip(&scan.records).filter(|(_, record)| record.lsn > first_lsn);
    between.map(|(end, record)| end..record.range.start).filter(|hole| !hole.is_empty()).collect()
}

fn kept_end(segment: &Found) -> (Lsn, u64) {
    let last = segment.scan.records.last();
    last.map_or((segment.identity.first_lsn, HEADER_BYTES), |last| (last.next_lsn, last.range.end))
}

/// Removes what is done or empty, cuts what is torn, and syncs what a crash may have left in memory only.
fn settle(
    files: &dyn Files,
    folder: &Path,
    found: Vec<Found>,
    checkpoint: &Checkpoint,
    report: &mut RecoveryReport,
) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for segment in found {
        let (next_lsn, end) = kept_end(&segment);
        let damaged =
            report.damage.iter().any(|damage| damage.file == segment.path && damage.bytes.start == end);
        // What is left of records that are done with is neither.
        if !damaged && next_lsn >= checkpoint.done_before {
            report.torn_bytes += segment.written_end.saturating_sub(end);
        }
        if next_lsn <= checkpoint.done_before || segment.scan.records.is_empty() {
            files.remove(&segment.path)?;
            continue;
        }
        fill(&segment, crc32c::crc32c(&checkpoint.id))?;
        if segment.file.bytes()? > end {
            segment.file.truncate(end)?;
        }
        segment.file.sync()?;
        segments.push(Segment {
            holes: holes(&segment.scan, 0),
            path: segment.path,
            file: segment.file,
            epoch: segment.identity.epoch,
            first_lsn: segment.identity.first_lsn,
            next_lsn,
            end,
        });
    }
    files.sync_folder(folder)?;
    Ok(segments)
}

/// Puts a filler into each torn stretch, so that a later start does not take it for damage.
fn fill(segment: &Found, seed: u32) -> io::Result<()> {
    let fillers = segment.scan.records.iter().filter(|record| segment.torn.contains(&record.range));
    for Placed { lsn, synced, class, range, .. } in fillers.cloned() {
        let mut bytes = Vec::new();
        let stamp = Stamp { lsn, epoch: segment.identity.epoch, synced, offset: range.start };
        record::encode_own(&mut bytes, seed, class, (range.end - range.start) as usize, stamp);
        segment.file.write_at(&bytes, range.start)?;
    }
    Ok(())
}
