//! Segments of a stopped server's write-ahead log as files: which records stand where, and ways to damage them.
//!
//! Reads the format by itself (magic, lengths, positions), so that what the log says of a damaged folder can be held against
//! something that it did not say.

use crate::dice::Dice;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

const SEGMENT_HEADER: usize = 64;
const RECORD_HEADER: usize = 96;
const MAGIC: u32 = 0xC0D5_0A11;
const PAGE: usize = 4096;

/// An entry of the log: what takes a position.
#[derive(Debug, Clone)]
pub struct Placed {
    pub lsn: u64,
    pub range: Range<usize>,
}

/// The segments by name.
#[derive(Debug, Clone, Default)]
pub struct Segments(pub BTreeMap<String, Vec<u8>>);

impl Segments {
    pub fn read(folder: &Path) -> Result<Self> {
        let mut segments = BTreeMap::new();
        for entry in std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wal") {
                let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
                segments.insert(name, std::fs::read(&path)?);
            }
        }
        Ok(Self(segments))
    }

    /// Puts exactly these segments into the folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for name in Self::read(folder)?.0.into_keys() {
            std::fs::remove_file(folder.join(name))?;
        }
        for (name, bytes) in &self.0 {
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Every entry at or behind `done_before`, with the segment that it stands in.
    pub fn entries(&self, done_before: u64) -> Vec<(&str, Placed)> {
        let all = self.0.iter().flat_map(|(name, bytes)| {
            entries_of(bytes).into_iter().map(move |placed| (name.as_str(), placed))
        });
        let mut wanted: Vec<_> = all.filter(|(_, placed)| placed.lsn >= done_before).collect();
        wanted.sort_by_key(|(_, placed)| placed.lsn);
        wanted.dedup_by_key(|(_, placed)| placed.lsn);
        wanted
    }

    pub fn bytes(&self, name: &str, range: &Range<usize>) -> Option<&[u8]> {
        self.0.get(name)?.get(range.clone())
    }
}

/// The first position that is not done with, as the log's checkpoint says.
pub fn done_before(folder: &Path) -> Result<u64> {
    let bytes = std::fs::read(folder.join("checkpoint")).context("a stopped log has a checkpoint")?;
    Ok(u64::from_le_bytes(bytes.get(24..32).context("a whole checkpoint")?.try_into()?))
}

fn entries_of(bytes: &[u8]) -> Vec<Placed> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (mut at, mut entries) = (SEGMENT_HEADER, Vec::new());
    while u32_at(at) == Some(MAGIC) {
        let Some(length) = u32_at(at + 12) else { break };
        let end = (at + RECORD_HEADER + length as usize).next_multiple_of(8);
        let Some(record) = bytes.get(at..end) else { break };
        if record[16] <= 1 {
            let lsn = u64::from_le_bytes(std::array::from_fn(|i| record[32 + i]));
            entries.push(Placed { lsn, range: at..end });
        }
        at = end;
    }
    entries
}

/// Damages these segments in one to three ways. What comes last is left alone: its end cannot be told from an unfinished write.
/// `stale`: segments that the log had done with. Says what was done.
pub fn damage(segments: &mut Segments, stale: &Segments, dice: &mut Dice) -> Vec<String> {
    if dice.one_in(8) {
        return vec![swap(segments, dice)];
    }
    (0..=dice.below(3)).map(|_| damage_once(segments, stale, dice)).collect()
}

/// Two segments under each other's names.
fn swap(segments: &mut Segments, dice: &mut Dice) -> String {
    let names: Vec<String> = segments.0.keys().cloned().collect();
    let one = dice.below(names.len() as u64 - 1) as usize;
    let (first, second) = (segments.0[&names[one]].clone(), segments.0[&names[one + 1]].clone());
    segments.0.insert(names[one].clone(), second);
    segments.0.insert(names[one + 1].clone(), first);
    format!("segments {one} and {} swapped", one + 1)
}

fn damage_once(segments: &mut Segments, stale: &Segments, dice: &mut Dice) -> String {
    let names: Vec<String> = segments.0.keys().filter(|name| !name.starts_with("copy")).cloned().collect();
    let Some(pick) = names.len().checked_sub(1).filter(|before_last| *before_last > 0) else {
        return "nothing left to damage".to_owned();
    };
    let pick = dice.below(pick as u64) as usize;
    let name = names[pick].clone();
    let bytes = segments.0.get_mut(&name).expect("just listed");
    if bytes.len() <= SEGMENT_HEADER {
        return "an empty segment".to_owned();
    }
    let at = dice.below(bytes.len() as u64) as usize;
    match dice.below(8) {
        0 => {
            bytes[at] ^= 1 << dice.below(8);
            format!("a bit at {at} of segment {pick}")
        }
        1 => {
            let page = at & !(PAGE - 1);
            let end = (page + PAGE).min(bytes.len());
            bytes[page..end].fill(0);
            format!("a page of zeros at {page} of segment {pick}")
        }
        2 => {
            bytes.truncate(at);
            format!("segment {pick} cut at {at}")
        }
        3 => {
            segments.0.remove(&name);
            format!("segment {pick} deleted")
        }
        4 => {
            let copy = bytes.clone();
            segments.0.insert("copy.wal".to_owned(), copy);
            format!("segment {pick} doubled")
        }
        5 => {
            segments.0.extend(stale.0.clone());
            "segments that were done with, back again".to_owned()
        }
        6 => flip_length(bytes, pick, dice),
        _ => {
            let end = (at + 1 + dice.below(64 << 10) as usize).min(bytes.len());
            bytes[at..end].fill_with(|| dice.roll() as u8);
            format!("garbage at {at}..{end} of segment {pick}")
        }
    }
}

fn flip_length(bytes: &mut [u8], pick: usize, dice: &mut Dice) -> String {
    let entries = entries_of(bytes);
    if entries.is_empty() {
        return "no record to damage".to_owned();
    }
    let entry = &entries[dice.below(entries.len() as u64) as usize];
    let bit = dice.below(32) as usize;
    bytes[entry.range.start + 12 + bit / 8] ^= 1 << (bit % 8);
    format!("bit {bit} of the length of record {} in segment {pick}", entry.lsn)
}

/// Where a segment's bytes are now: under its name, as a copy, or under another's name with its own header.
fn places<'a>(damaged: &'a Segments, name: &str, original: &'a [u8]) -> impl Iterator<Item = &'a Vec<u8>> {
    let header = &original[..SEGMENT_HEADER];
    let by_name = damaged.0.get(name).filter(move |bytes| !is_another(bytes, header));
    let by_header = damaged.0.values().filter(move |bytes| bytes.get(..SEGMENT_HEADER) == Some(header));
    by_name.into_iter().chain(by_header)
}

/// Whether a whole header of some other segment stands there.
fn is_another(bytes: &[u8], header: &[u8]) -> bool {
    bytes.get(..SEGMENT_HEADER).is_some_and(|own| own[..8] == header[..8] && own[24..40] != header[24..40])
}

/// Positions whose record stands nowhere whole any more.
pub fn lost(before: &Segments, damaged: &Segments, done_before: u64) -> Vec<u64> {
    let entries = before.entries(done_before).into_iter();
    let gone = entries.filter(|(name, placed)| {
        let Some(original) = before.0.get(*name) else { return true };
        let whole = original.get(placed.range.clone());
        !places(damaged, name, original).any(|bytes| bytes.get(placed.range.clone()) == whole)
    });
    gone.map(|(_, placed)| placed.lsn).collect()
}

pub fn wal_folder(data: &Path) -> PathBuf {
    data.join("wal")
}
