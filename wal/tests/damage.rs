//! A log that somebody damaged while it was stopped: the damage is found, counted and kept aside, and everything that is
//! intact still comes out.

#![allow(clippy::unwrap_used)] // a test may stop right there

mod model;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Dice, ModelDisk};
use wal::{Entry, Kind, Log, Options, RecoveryReport};

const FOLDER: &str = "/wal";

fn options() -> Options {
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
    payload.resize(8 + bytes, b'x');
    Entry { kind: Kind::Data, tenant: [1; 16], key: [0; 16], hash: [0; 16], payload }
}

fn open(disk: &ModelDisk) -> (Log, RecoveryReport) {
    Log::open(Arc::new(disk.clone()), Path::new(FOLDER), options()).expect("a damaged log still opens")
}

fn read_all(log: &Log) -> Vec<u64> {
    let mut reader = log.reader();
    let mut numbers = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        numbers.push(u64::from_le_bytes(record.entry.payload[..8].try_into().unwrap()));
    }
    assert_eq!(reader.lost_records(), 0, "damage that was there at the start is reported at the start");
    numbers
}

/// A stopped log of `count` acknowledged records, numbered from 1, in several segments.
fn stopped_log(seed: u64, count: u64) -> ModelDisk {
    let disk = ModelDisk::new(seed);
    let mut dice = Dice::new(seed);
    let (mut log, _) = open(&disk);
    let mut number = 0;
    while number < count {
        let group: Vec<Entry> = (0..=dice.below(4).min(count - number - 1))
            .map(|_| {
                number += 1;
                entry(number, dice.below(500) as usize)
            })
            .collect();
        assert!(log.commit(&group.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
    }
    log.mark().unwrap();
    disk
}

fn segments(disk: &ModelDisk) -> Vec<(PathBuf, Vec<u8>)> {
    disk.files().into_iter().filter(|(path, _)| path.extension() == Some("wal".as_ref())).collect()
}

fn quarantined(disk: &ModelDisk) -> usize {
    disk.files().iter().filter(|(path, _)| path.starts_with("/wal/quarantine")).count()
}

/// Which of the numbered records stand whole in these files.
fn intact(before: &[(PathBuf, Vec<u8>)], after: &[(PathBuf, Vec<u8>)], count: u64) -> BTreeSet<u64> {
    let whole = |number: u64| {
        let (path, bytes) = before.iter().find(|(_, bytes)| place(bytes, number).is_some())?;
        let range = place(bytes, number)?;
        let states = after.iter().filter(|(other, now)| {
            other == path || (other.ends_with("copy.wal") && now.get(..64) == bytes.get(..64))
        });
        let mut now = states.filter_map(|(_, now)| now.get(range.clone()));
        now.any(|now| now == &bytes[range.clone()]).then_some(number)
    };
    (1..=count).filter_map(whole).collect()
}

/// Where a record stands.
fn place(bytes: &[u8], number: u64) -> Option<std::ops::Range<usize>> {
    let length = |at: usize| u32::from_le_bytes(bytes[at + 12..at + 16].try_into().unwrap()) as usize;
    let mut at = 64;
    while bytes.get(at..at + 96).is_some_and(|header| header[..4] == 0xC0D5_0A11_u32.to_le_bytes()) {
        let end = (at + 96 + length(at)).next_multiple_of(8);
        if bytes[at + 16] == 0 && bytes.get(at + 96..at + 104)? == number.to_le_bytes() {
            return Some(at..end);
        }
        at = end;
    }
    None
}

/// Opens the log after the damage, and holds what it says against the truth.
fn check(disk: &ModelDisk, before: &[(PathBuf, Vec<u8>)], count: u64, context: &str) -> RecoveryReport {
    let whole = intact(before, &segments(disk), count);
    let (log, report) = open(disk);
    let found = read_all(&log);
    let expected: Vec<u64> = whole.iter().copied().collect();
    assert_eq!(found, expected, "{context}: {report:?}");
    assert_eq!(report.lost_records, count - expected.len() as u64, "{context}: {report:?}");
    assert_eq!(report.waiting_records, expected.len() as u64, "{context}: {report:?}");
    report
}

#[test]
fn every_flipped_bit_is_found_and_costs_no_other_record() {
    const COUNT: u64 = 12;
    let original = stopped_log(3, COUNT);
    let clean = segments(&original);
    for (path, bytes) in &clean {
        let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
        for at in 0..end {
            let disk = original.copy(3);
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            disk.put(path, damaged);
            let report = check(&disk, &clean, COUNT, &format!("{} byte {at}", path.display()));
            let last_mark = at + 96 >= end;
            assert!(
                report.torn_bytes > 0 || (!report.damage.is_empty() && quarantined(&disk) > 0),
                "{} byte {at}: not found: {report:?}",
                path.display()
            );
            assert!(
                last_mark || report.torn_bytes == 0,
                "byte {at}: damage passed as a torn write: {report:?}"
            );
        }
    }
}

/// What is left of records that are done with was never a write that a crash cut off.
#[test]
fn what_is_left_of_records_that_are_done_is_neither_lost_nor_torn() {
    const COUNT: u64 = 12;
    let original = stopped_log(3, COUNT);
    {
        let (mut log, _) = open(&original);
        let mut reader = log.reader();
        for _ in 1..COUNT {
            reader.next_record().unwrap();
        }
        log.advance(reader.position()).unwrap();
        log.mark().unwrap();
    }
    let mut tried = 0;
    for (path, bytes) in segments(&original) {
        for number in 1..COUNT {
            let Some(range) = place(&bytes, number) else { continue };
            let disk = original.copy(3);
            let mut damaged = bytes.clone();
            damaged[range.start + 100] ^= 1;
            disk.put(&path, damaged);
            let (log, report) = open(&disk);
            assert_eq!((report.torn_bytes, report.lost_records), (0, 0), "record {number}: {report:?}");
            assert_eq!(report.damage, [], "record {number}");
            assert_eq!(read_all(&log), [COUNT], "record {number}");
            tried += 1;
        }
    }
    assert!(tried > 0, "a segment with records that are done is left");
}

#[test]
fn a_last_segment_cut_at_any_byte_gives_every_record_before_the_cut() {
    const COUNT: u64 = 10;
    let original = stopped_log(5, COUNT);
    let clean = segments(&original);
    let (path, bytes) = clean.last().unwrap();
    for length in 0..=bytes.len() {
        let disk = original.copy(5);
        disk.put(path, bytes[..length].to_vec());
        let whole = intact(&clean, &segments(&disk), COUNT);
        let (mut log, report) = open(&disk);
        assert_eq!(read_all(&log), whole.iter().copied().collect::<Vec<_>>(), "cut at {length}");
        assert_eq!(report.damage, [], "cut at {length}: nothing valid follows, so it is a torn write");
        assert!(log.commit(&[&entry(99, 10)])[0].is_ok());
        assert_eq!(read_all(&log).last(), Some(&99), "cut at {length}: the log goes on");
    }
}

/// One kind of damage to files of a stopped log; says what it did.
fn mutate(disk: &ModelDisk, dice: &mut Dice) -> String {
    let mut files = segments(disk);
    files.retain(|(path, _)| !path.ends_with("copy.wal"));
    files.pop(); // never the last: its end cannot be told from a torn write
    files.retain(|(_, bytes)| !bytes.is_empty());
    if files.is_empty() {
        return "nothing left to damage".into();
    }
    let pick = dice.below(files.len() as u64) as usize;
    let (path, mut bytes) = files[pick].clone();
    let at = dice.below(bytes.len() as u64) as usize;
    match dice.below(7) {
        0 => {
            bytes[at] ^= 1 << dice.below(8);
            disk.put(&path, bytes);
            format!("bit flip at {at} of segment {pick}")
        }
        1 => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
            disk.put(&path, bytes);
            format!("zeros at {at}..{end} of segment {pick}")
        }
        2 => {
            bytes.truncate(at);
            disk.put(&path, bytes);
            format!("segment {pick} cut at {at}")
        }
        3 => {
            disk.delete(&path);
            format!("segment {pick} deleted")
        }
        4 => {
            disk.put(&path.with_file_name("copy.wal"), bytes);
            format!("segment {pick} doubled")
        }
        5 => {
            let end = (at + 300).min(bytes.len());
            for byte in &mut bytes[at..end] {
                *byte = dice.roll() as u8;
            }
            disk.put(&path, bytes);
            format!("garbage at {at}..{end} of segment {pick}")
        }
        _ => {
            let (from, length) = (at & !511, 512.min(bytes.len() - (at & !511)));
            let to = (dice.below(bytes.len() as u64) as usize & !511).min(bytes.len() - length);
            let page = bytes[from..from + length].to_vec();
            bytes[to..to + length].copy_from_slice(&page);
            disk.put(&path, bytes);
            format!("page {from} of segment {pick} over page {to}")
        }
    }
}

#[test]
fn whatever_is_damaged_the_rest_comes_out_and_the_loss_is_counted() {
    for seed in 0..2000 {
        let mut dice = Dice::new(seed);
        let count = 20 + dice.below(30);
        let disk = stopped_log(seed, count);
        let before = segments(&disk);
        if before.len() < 2 {
            continue;
        }
        let done: Vec<String> = (0..=dice.below(3)).map(|_| mutate(&disk, &mut dice)).collect();
        check(&disk, &before, count, &format!("seed {seed}: {done:?}"));
    }
}

#[test]
fn renamed_segments_are_put_back_in_order() {
    let disk = stopped_log(7, 40);
    let files = segments(&disk);
    disk.put(&files[0].0, files[1].1.clone());
    disk.put(&files[1].0, files[0].1.clone());

    let (log, report) = open(&disk);

    assert_eq!(read_all(&log), (1..=40).collect::<Vec<_>>());
    assert_eq!((report.lost_records, report.damage.len()), (0, 0));
}

#[test]
fn a_segment_that_was_done_with_does_not_come_back() {
    let disk = stopped_log(7, 40);
    let old = segments(&disk);
    {
        let (log, _) = open(&disk);
        let mut reader = log.reader();
        for _ in 0..25 {
            reader.next_record().unwrap();
        }
        log.advance(reader.position()).unwrap();
    }
    disk.put(&old[0].0, old[0].1.clone());

    let (log, report) = open(&disk);

    assert_eq!(read_all(&log), (26..=40).collect::<Vec<_>>());
    assert_eq!(report.lost_records, 0);
}

#[test]
fn two_states_of_a_segment_make_one() {
    let disk = stopped_log(7, 40);
    let (path, bytes) = segments(&disk).swap_remove(0);
    let mut older = bytes.clone();
    older.truncate(place(&bytes, 3).unwrap().end);
    let mut newer = bytes;
    let damaged = place(&newer, 2).unwrap().start;
    newer[damaged + 100] ^= 1;
    disk.put(&path, older);
    disk.put(&path.with_file_name("copy.wal"), newer);

    let (log, report) = open(&disk);

    assert_eq!(read_all(&log), (1..=40).collect::<Vec<_>>());
    assert_eq!((report.lost_records, report.damage.len(), quarantined(&disk)), (0, 1, 1));
    drop(log);
    let (log, report) = open(&disk);
    assert_eq!((read_all(&log).len(), report.damage.len()), (40, 0));
}

#[test]
fn a_lost_checkpoint_hands_everything_out_again() {
    let disk = stopped_log(7, 40);
    disk.put(Path::new("/wal/checkpoint"), b"not a checkpoint".to_vec());

    let (log, report) = open(&disk);

    assert!(report.checkpoint_lost);
    assert_eq!(read_all(&log), (1..=40).collect::<Vec<_>>());
}

#[test]
fn damage_is_found_while_reading_too() {
    let disk = stopped_log(7, 40);
    let (log, _) = open(&disk);
    let mut reader = log.reader();
    reader.next_record().unwrap();
    let files = segments(&disk);
    let (path, range) = files.iter().find_map(|(path, bytes)| Some((path, place(bytes, 20)?))).unwrap();
    disk.damage(path, range.start + 100);

    let mut numbers = vec![1];
    while let Some(record) = reader.next_record().unwrap() {
        numbers.push(u64::from_le_bytes(record.entry.payload[..8].try_into().unwrap()));
    }

    assert_eq!(numbers, (1..=40).filter(|&number| number != 20).collect::<Vec<_>>());
    assert_eq!(reader.lost_records(), 1);
    assert_eq!(quarantined(&disk), 1);
}

#[test]
fn a_foreign_segment_is_put_aside() {
    let disk = stopped_log(7, 10);
    let foreign = segments(&stopped_log(8, 10));
    disk.put(Path::new("/wal/00000000000000000500-0000000009.wal"), foreign[0].1.clone());

    let (log, report) = open(&disk);

    assert_eq!(read_all(&log), (1..=10).collect::<Vec<_>>());
    assert_eq!((report.lost_records, report.damage.len(), quarantined(&disk)), (0, 1, 1));
}
