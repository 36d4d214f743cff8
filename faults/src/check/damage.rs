//! Segments of a stopped server are damaged: what is intact still comes out, and what is lost is told to the record.

use super::Fault;
use crate::dice::Dice;
use crate::lab::{Lab, Stack};
use crate::load::{Load, Sent, Shape};
use crate::proxy::Mode;
use crate::segments::{self, Segments};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] =
    &[Fault { id: "F07", name: "damaged segments", run: |lab| Box::pin(damaged(lab)) }];

const LIMIT: Duration = Duration::from_secs(90);
const OPENED_WITHIN: Duration = Duration::from_secs(30);

async fn damaged(lab: &Lab) -> Result<String> {
    let (seeds, starts) = (lab.rounds(200, 1000), lab.rounds(4, 40));
    let mut stack = lab.stack(&["--wal-segment-bytes=262144"]).await?;
    let stale = segments_in_use(&stack).await?;
    let (before, sent) = stopped_with(&mut stack, 120).await?;
    let wal = segments::wal_folder(&stack.data());
    let mut lost = 0;
    for seed in 0..seeds {
        lost += open_damaged(&wal, &before, &stale, seed)?;
    }
    stack.proxy.set(Mode::Pass);
    stack.server.start_again().await?;
    until_stored(&stack, &sent).await?;
    let mut lost_events = 0;
    for seed in 0..starts {
        lost_events += start_damaged(&mut stack, &stale, seed)
            .await
            .with_context(|| format!("a server on damaged segments, seed {seed}"))?;
    }
    Ok(format!(
        "the log of a stopped server, {} segments, damaged by {seeds} seeds (flipped bits, lengths, pages of zeros, garbage up to 64 KiB, cut, swapped, doubled, deleted segments, and such as were done with): every intact record came out, the reported loss was the true one each time ({lost} records), damaged bytes in quarantine, none passed as an unfinished write; and {starts} starts of the server on damaged segments: every event of an intact record stored once, {lost_events} events lost and told",
        before.0.len()
    ))
}

/// Segments as they are while the log works: later they are done with.
async fn segments_in_use(stack: &Stack) -> Result<Segments> {
    let load = Load::start(stack, &stack.server.url, Shape::default()).await?;
    load.goes_on(30, LIMIT).await?;
    let in_use = Segments::read(&segments::wal_folder(&stack.data()))?;
    until_stored(stack, &load.stop().await?).await?;
    Ok(in_use)
}

async fn until_stored(stack: &Stack, sent: &Sent) -> Result<()> {
    let begun = Instant::now();
    loop {
        let found: BTreeSet<String> = stored(stack).await?.into_iter().collect();
        if sent.events.iter().all(|event| found.contains(event)) {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "events of an intact log are not stored");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sends so many batches that stay in the log, and stops the server.
async fn stopped_with(stack: &mut Stack, batches: u64) -> Result<(Segments, Sent)> {
    stack.proxy.set(Mode::Refuse);
    let load = Load::start(stack, &stack.server.url, Shape::default()).await?;
    load.goes_on(batches, LIMIT).await?;
    let sent = load.stop().await?;
    stack.server.terminate().await?;
    Ok((Segments::read(&segments::wal_folder(&stack.data()))?, sent))
}

/// Opens a damaged copy of the log, and holds what it says against the truth. Says how many records were lost.
fn open_damaged(wal: &Path, before: &Segments, stale: &Segments, seed: u64) -> Result<usize> {
    let mut dice = Dice::new(seed);
    let mut damaged = before.clone();
    let done = segments::damage(&mut damaged, stale, &mut dice);
    let folder = tempfile::tempdir()?;
    std::fs::copy(wal.join("checkpoint"), folder.path().join("checkpoint"))?;
    damaged.write(folder.path())?;
    let done_before = segments::done_before(folder.path())?;
    let lost = segments::lost(before, &damaged, done_before);

    let begun = Instant::now();
    let options = wal::Options { reserve_bytes: 0, reserve_percent: 0, ..wal::Options::default() };
    let (log, report) = wal::Wal::open(folder.path(), options, || ())?;
    ensure!(begun.elapsed() < OPENED_WITHIN, "seed {seed} ({done:?}): opening took {:?}", begun.elapsed());
    let (mut reader, mut found) = (log.reader(), Vec::new());
    while let Some(record) = reader.next_record()? {
        found.push(record.lsn);
    }
    let all = before.entries(done_before).into_iter().map(|(_, placed)| placed.lsn);
    let expected: Vec<u64> = all.filter(|lsn| !lost.contains(lsn)).collect();
    ensure!(
        found == expected,
        "seed {seed} ({done:?}): {} records instead of {}",
        found.len(),
        expected.len()
    );
    ensure!(
        report.lost_records == lost.len() as u64,
        "seed {seed} ({done:?}): {} lost records are reported, {} are lost",
        report.lost_records,
        lost.len()
    );
    ensure!(
        report.torn_bytes == 0,
        "seed {seed} ({done:?}): {} bytes passed as an unfinished write, {:?} as damage",
        report.torn_bytes,
        report.damage
    );
    Ok(lost.len())
}

/// Stops the server with events in its log, damages the log, starts it again. Says how many events were lost.
async fn start_damaged(stack: &mut Stack, stale: &Segments, seed: u64) -> Result<usize> {
    let earlier: BTreeSet<String> = stored(stack).await?.into_iter().collect();
    let (before, sent) = stopped_with(stack, 60).await?;
    let wal = segments::wal_folder(&stack.data());
    let mut damaged = before.clone();
    let done = segments::damage(&mut damaged, stale, &mut Dice::new(seed ^ 0x5EED));
    damaged.write(&wal)?;
    let lost = segments::lost(&before, &damaged, segments::done_before(&wal)?);
    let gone = events_of(&before, &lost, &sent);

    stack.proxy.set(Mode::Pass);
    stack.server.start_again().await?;
    let reported = stack.server.metric("cordwood_wal_lost_records_total").await?;
    ensure!(
        reported == lost.len() as f64,
        "{done:?}: {reported} lost records are told, {} are lost",
        lost.len()
    );
    let expected: BTreeSet<String> =
        earlier.into_iter().chain(sent.events.into_iter().filter(|event| !gone.contains(event))).collect();
    let begun = Instant::now();
    loop {
        let found = stored(stack).await?;
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        ensure!(
            distinct.len() == found.len(),
            "{done:?}: {} events are double",
            found.len() - distinct.len()
        );
        if distinct == expected {
            return Ok(gone.len());
        }
        let missing = expected.difference(&distinct).count();
        ensure!(begun.elapsed() < LIMIT, "{done:?}: {missing} events of intact records are not stored");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The events that these records held.
fn events_of(before: &Segments, lost: &[u64], sent: &Sent) -> BTreeSet<String> {
    let entries = before.entries(0).into_iter().filter(|(_, placed)| lost.contains(&placed.lsn));
    let bytes = entries.filter_map(|(name, placed)| before.bytes(name, &placed.range));
    let texts: Vec<String> = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    // A batch is a record: its first event tells.
    let is_in = |event: &&String| {
        let batch = event.rsplit_once(" e").map_or(event.as_str(), |(batch, _)| batch);
        texts.iter().any(|text| text.contains(&format!("{batch} e0")))
    };
    sent.events.iter().filter(is_in).cloned().collect()
}

async fn stored(stack: &Stack) -> Result<Vec<String>> {
    stack.column("SELECT message FROM logs").await
}
