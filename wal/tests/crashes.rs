//! Crashes and failing disks: whatever happens between two operations, what was acknowledged comes back once, in order.

#![allow(clippy::unwrap_used)] // a test may stop right there

mod model;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Dice, ModelDisk, Tail};
use wal::{AppendError, Entry, Kind, Log, Options, RecoveryReport};

const FOLDER: &str = "/wal";

fn small() -> Options {
    Options {
        segment_bytes: 4096,
        capacity_bytes: 1 << 20,
        reserve_bytes: 0,
        reserve_percent: 0,
        ..Options::default()
    }
}

fn entry(number: u64, bytes: usize) -> Entry {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(8 + bytes, number as u8);
    Entry { kind: Kind::Data, tenant: [1; 16], key: [0; 16], hash: [0; 16], payload }
}

fn number_of(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload[..8].try_into().unwrap())
}

fn open(disk: &ModelDisk) -> Option<(Log, RecoveryReport)> {
    Log::open(Arc::new(disk.clone()), Path::new(FOLDER), small()).ok()
}

/// What the world outside knows of the log.
#[derive(Debug, Default)]
struct Ledger {
    appended: u64,
    acknowledged: Vec<u64>,
    /// Handed out: the checkpoint may or may not have passed these.
    done: Vec<u64>,
    /// Handed out before a checkpoint that is on disk: these must not come again.
    forgotten: Vec<u64>,
}

impl Ledger {
    /// Appends groups and takes some of them out again, as the dice say, until the machine stops.
    fn work(&mut self, disk: &ModelDisk, dice: &mut Dice, rounds: u64) {
        let Some((mut log, _)) = open(disk) else { return };
        let mut reader = log.reader();
        let before = self.done.len();
        for _ in 0..rounds {
            let group: Vec<Entry> = (0..=dice.below(4))
                .map(|_| {
                    self.appended += 1;
                    entry(self.appended, dice.below(900) as usize)
                })
                .collect();
            let answers = log.commit(&group.iter().collect::<Vec<_>>());
            let good = group.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
            self.acknowledged.extend(good.map(|(entry, _)| number_of(&entry.payload)));
            if dice.one_in(3) {
                for _ in 0..dice.below(6) {
                    let Ok(Some(record)) = reader.next_record() else { break };
                    self.done.push(number_of(&record.entry.payload));
                }
                // Only what the checkpoint allows to go may be missing later.
                if log.advance(reader.position()).is_ok() {
                    self.forgotten.extend_from_slice(&self.done[before..]);
                }
            }
            if dice.one_in(4) {
                log.mark().ok();
            }
        }
    }

    /// Reads all that is left, and holds it against what was acknowledged.
    fn check(&self, disk: &ModelDisk, context: &str) {
        let (log, report) = open(disk).unwrap_or_else(|| panic!("{context}: the log does not open"));
        assert_eq!(report.lost_records, 0, "{context}: {report:?}");
        assert_eq!(report.damage, [], "{context}: a crash is not damage");
        let mut reader = log.reader();
        let mut left = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            left.push(number_of(&record.entry.payload));
        }
        assert!(left.windows(2).all(|pair| pair[0] < pair[1]), "{context}: out of order or twice: {left:?}");
        assert!(left.iter().all(|&number| number <= self.appended), "{context}: never appended: {left:?}");
        assert!(self.forgotten.iter().all(|number| !left.contains(number)), "{context}: again: {left:?}");
        for number in &self.acknowledged {
            assert!(
                left.contains(number) || self.done.contains(number),
                "{context}: lost {number}: {left:?}"
            );
        }
    }
}

/// One life of a log that ends at `crash_at`, a second one with a crash of its own, and a look at what is left.
fn live_and_crash(seed: u64, crash_at: Option<u64>, tail: Tail) -> u64 {
    let disk = ModelDisk::new(seed);
    let mut dice = Dice::new(seed ^ 0x00C0_FFEE);
    let mut ledger = Ledger::default();
    if let Some(operation) = crash_at {
        disk.crash_at(operation);
    }
    ledger.work(&disk, &mut dice, 8);
    let operations = disk.operations();
    disk.restart(tail);
    let context = format!("seed {seed}, crash at {crash_at:?}, tail {tail:?}");
    // The second life may end while the log is still being recovered.
    disk.crash_at(disk.operations() + 1 + dice.below(20));
    ledger.work(&disk, &mut dice, 5);
    disk.restart(tail);
    ledger.check(&disk, &context);
    operations
}

#[test]
fn a_crash_at_any_operation_loses_nothing_that_was_acknowledged() {
    let seeds = std::env::var("WAL_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    for seed in 0..seeds {
        for tail in [Tail::Gone, Tail::Kept, Tail::Mixed] {
            let operations = live_and_crash(seed, None, tail);
            for crash_at in 1..=operations {
                live_and_crash(seed, Some(crash_at), tail);
            }
        }
    }
}

#[test]
fn a_failing_disk_and_then_a_crash_lose_nothing_that_was_acknowledged() {
    for seed in 0..3000 {
        let disk = ModelDisk::new(seed);
        let mut dice = Dice::new(seed);
        for _ in 0..=dice.below(6) {
            let kind = if dice.one_in(2) { ErrorKind::StorageFull } else { ErrorKind::Other };
            disk.fail_at(5 + dice.below(60), kind);
        }
        let mut ledger = Ledger::default();
        ledger.work(&disk, &mut dice, 15);
        disk.restart(if dice.one_in(2) { Tail::Mixed } else { Tail::Gone });
        ledger.check(&disk, &format!("seed {seed}"));
    }
}

#[test]
fn a_failed_sync_moves_the_group_to_another_segment() {
    let disk = ModelDisk::new(1);
    let (mut log, _) = open(&disk).unwrap();
    assert!(log.commit(&[&entry(1, 10)])[0].is_ok());

    disk.fail_at(disk.operations() + 2, ErrorKind::Other); // the sync after the write
    assert!(log.commit(&[&entry(2, 10)])[0].is_ok());
    drop(log);
    disk.restart(Tail::Gone);

    let (log, _) = open(&disk).unwrap();
    let mut reader = log.reader();
    let mut next = || reader.next_record().unwrap().map(|record| number_of(&record.entry.payload));
    assert_eq!([next(), next(), next()], [Some(1), Some(2), None]);
}

#[test]
fn a_disk_that_fails_for_a_while_refuses_and_then_goes_on() {
    let disk = ModelDisk::new(1);
    let (mut log, _) = open(&disk).unwrap();
    assert!(log.commit(&[&entry(1, 10)])[0].is_ok());
    for operation in 0..30 {
        disk.fail_at(disk.operations() + 1 + operation, ErrorKind::Other);
    }

    assert!(matches!(log.commit(&[&entry(2, 10)])[0], Err(AppendError::Io(_))));
    while disk.operations() < 40 {
        log.commit(&[&entry(3, 10)]);
    }
    assert!(log.commit(&[&entry(4, 10)])[0].is_ok());

    let mut reader = log.reader();
    assert_eq!(number_of(&reader.next_record().unwrap().unwrap().entry.payload), 1);
    while let Some(record) = reader.next_record().unwrap() {
        assert_ne!(number_of(&record.entry.payload), 2, "a refused entry was handed out");
    }
}

#[test]
fn a_full_log_refuses_data_takes_notes_and_goes_on_when_emptied() {
    let options = Options { capacity_bytes: 16 << 10, ..small() };
    let disk = ModelDisk::new(1);
    let (mut log, _) = Log::open(Arc::new(disk), Path::new(FOLDER), options).unwrap();
    let mut taken = 0;
    while log.commit(&[&entry(taken, 1000)])[0].is_ok() {
        taken += 1;
    }
    assert!(matches!(log.commit(&[&entry(taken, 1000)])[0], Err(AppendError::Full)));

    let note = Entry { kind: Kind::Control, ..entry(99, 8) };
    assert!(log.commit(&[&note])[0].is_ok());

    let mut reader = log.reader();
    while reader.next_record().unwrap().is_some() {}
    log.advance(reader.position()).unwrap();
    assert!(log.commit(&[&entry(100, 1000)])[0].is_ok());
}

#[test]
fn a_full_disk_refuses_data_takes_notes_and_goes_on_when_there_is_room() {
    let disk = ModelDisk::new(1);
    disk.set_room(Some(10_000));
    let (mut log, _) = open(&disk).unwrap();
    let mut taken = 0;
    while log.commit(&[&entry(taken, 500)])[0].is_ok() {
        taken += 1;
    }
    let note = Entry { kind: Kind::Control, ..entry(99, 8) };
    assert!(matches!(log.commit(&[&entry(taken, 500)])[0], Err(AppendError::DiskFull)));
    let mixed = log.commit(&[&entry(taken, 500), &note]);
    assert!(mixed[0].is_err() && mixed[1].is_ok(), "{mixed:?}");

    disk.set_room(None);
    assert!(log.commit(&[&entry(100, 500)])[0].is_ok());
    let mut reader = log.reader();
    let mut count = 0;
    while reader.next_record().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, taken + 2);
}

#[test]
fn the_reserve_of_the_disk_is_not_used() {
    let disk = ModelDisk::new(1);
    disk.set_room(Some(100_000));
    let options = Options { reserve_bytes: 40_000, ..small() };
    let (mut log, _) = Log::open(Arc::new(disk.clone()), Path::new(FOLDER), options).unwrap();
    let mut taken = 0;
    while log.commit(&[&entry(taken, 500)])[0].is_ok() {
        taken += 1;
    }
    assert!((50_000..=64_096).contains(&disk.used()), "{} used", disk.used());
}

#[test]
fn one_folder_has_one_owner() {
    let disk = ModelDisk::new(1);
    let (log, _) = open(&disk).unwrap();

    let second = Log::open(Arc::new(disk.clone()), Path::new(FOLDER), small());
    assert!(matches!(second, Err(wal::OpenError::InUse(_))));
    drop(log);
    assert!(open(&disk).is_some());
}

#[test]
fn segments_go_only_after_the_checkpoint_is_on_disk() {
    let disk = ModelDisk::new(1);
    let (mut log, _) = open(&disk).unwrap();
    for number in 0..30 {
        assert!(log.commit(&[&entry(number, 800)])[0].is_ok());
    }
    let segments =
        || disk.files().iter().filter(|(path, _)| path.extension() == Some("wal".as_ref())).count();
    let before = segments();
    let mut reader = log.reader();
    while reader.next_record().unwrap().is_some() {}

    disk.fail_at(disk.operations() + 2, ErrorKind::Other); // the checkpoint cannot be written
    assert!(log.advance(reader.position()).is_err());
    assert_eq!(segments(), before);
    log.advance(reader.position()).unwrap();
    assert_eq!(segments(), 1);
    let quarantined: Vec<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
    assert!(quarantined.iter().all(|path| !path.starts_with("/wal/quarantine")));
}
