//! The log with its thread on a real disk: many callers at once, restarts, and `kill -9`.

#![allow(clippy::unwrap_used)] // a test may stop right there

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use wal::{AppendError, Entry, Kind, OpenError, Options, RecoveryReport, Wal};

const CHILD_FOLDER: &str = "WAL_TEST_CHILD_FOLDER";

fn options() -> Options {
    Options { segment_bytes: 256 << 10, reserve_bytes: 0, reserve_percent: 0, ..Options::default() }
}

fn open(folder: &Path) -> (Wal, RecoveryReport) {
    Wal::open(folder, options(), || ()).expect("opens")
}

fn entry(number: u64) -> Entry {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(200, b'x');
    Entry { kind: Kind::Data, tenant: [7; 16], key: [1; 16], hash: [2; 16], payload }
}

fn append(wal: &Wal, number: u64) -> Result<u64, AppendError> {
    let (done, answer) = channel();
    wal.append(entry(number), move |result| done.send(result).expect("waits below"));
    answer.recv().expect("every entry is answered")
}

fn read_all(wal: &Wal) -> Vec<u64> {
    let mut reader = wal.reader();
    let mut numbers = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        numbers.push(u64::from_le_bytes(record.entry.payload[..8].try_into().unwrap()));
    }
    numbers
}

#[test]
fn what_many_callers_append_at_once_is_all_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (wal, report) = open(folder.path());
    assert_eq!(report, RecoveryReport::default());
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let wal = &wal;
            scope.spawn(move || (0..100).for_each(|i| assert!(append(wal, caller * 100 + i).is_ok())));
        }
    });
    assert_eq!(wal.usage().waiting_records, 800);
    let id = wal.id();
    drop(wal);

    let (wal, report) = open(folder.path());

    assert_eq!(wal.id(), id);
    assert_eq!(report, RecoveryReport { waiting_records: 800, ..RecoveryReport::default() });
    assert_eq!(read_all(&wal).into_iter().collect::<BTreeSet<_>>(), (0..800).collect());
}

#[test]
fn segments_that_are_done_with_leave_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (wal, _) = open(folder.path());
    for number in 0..3000 {
        wal.append(entry(number), |result| assert!(result.is_ok()));
    }
    append(&wal, 3000).unwrap();
    let segments = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = segments();
    let mut reader = wal.reader();
    while reader.next_record().unwrap().is_some() {}

    wal.advance(reader.position()).unwrap();

    assert!(segments() < before && wal.usage().bytes <= 256 << 10);
    drop((wal, reader));
    let (wal, _) = open(folder.path());
    assert_eq!(read_all(&wal), []);
    assert_eq!(append(&wal, 1).unwrap(), 3002, "positions go on where they stopped");
}

#[test]
fn a_queue_that_is_too_long_refuses() {
    let folder = tempfile::tempdir().unwrap();
    // A quarter of it is for one tenant.
    let options = Options { queue_bytes: 4000, ..options() };
    let (hold, held) = channel::<()>();
    let (wal, _) = Wal::open(folder.path(), options, || ()).unwrap();
    wal.append(entry(1), move |_| assert!(held.recv().is_err())); // the writer waits in this ack
    while wal.usage().queued_bytes > 0 {
        std::thread::yield_now();
    }
    let (done, answers) = channel();
    for number in 2..10 {
        let done = done.clone();
        wal.append(entry(number), move |result| done.send(result).unwrap());
    }
    drop(hold);
    drop(done);
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(Result::is_ok);

    assert_eq!((taken.len(), refused.len()), (3, 5));
    assert!(refused.iter().all(|answer| matches!(answer, Err(AppendError::Busy))));
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());

    assert!(matches!(Wal::open(folder.path(), options(), || ()), Err(OpenError::InUse(_))));
}

/// Not a test of its own: what `kill_minus_nine_loses_nothing` starts and kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let (wal, _) = open(Path::new(&folder));
    let first = read_all(&wal).last().map_or(0, |last| last + 1);
    for number in first.. {
        wal.append(entry(number), move |result| {
            if result.is_ok() {
                use std::io::Write;
                writeln!(std::io::stdout(), "acked {number}").expect("the parent reads");
            }
        });
        while wal.usage().queued_bytes > 20_000 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn kill_minus_nine_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_appends_until_it_is_killed", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let numbers = lines.filter_map(|line| line.strip_prefix("acked ")?.parse::<u64>().ok());
        let mut seen = 0;
        for number in numbers {
            acknowledged.insert(number);
            seen += 1;
            if seen == 200 + round * 37 {
                child.kill().unwrap(); // SIGKILL; what it still said before is read to the end
            }
        }
        child.wait().unwrap();
        let (wal, report) = open(folder.path());
        assert_eq!((report.lost_records, report.damage.len()), (0, 0), "round {round}");
        let found = read_all(&wal);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "round {round}: out of order or twice");
        let found: BTreeSet<u64> = found.into_iter().collect();
        assert!(acknowledged.is_subset(&found), "round {round}: lost {:?}", acknowledged.difference(&found));
    }
    assert!(acknowledged.len() > 2000);
}
