//! A power cut, simulated on real files: what the server had not brought to the disk is taken away again.
//!
//! `power.c` writes down what every write replaced and what every sync covered. After a kill, `cut` undoes what no sync covered,
//! from the last operation back: data, lengths, and names (made, changed, removed) alike. It knows the server's own files, in-place
//! writes of SQLite included; it does not know what a disk's own cache forgets although it was told to sync.

use crate::dice::Dice;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

const SHIM: &str = include_str!("power.c");
const SECTOR: usize = 512;
const MOST_GARBAGE: usize = 64 << 10;

/// What is left of data that was written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the files and names are as they were.
    Exact,
    /// The room is there, with zeros in it.
    Zeros,
    /// Sector by sector the old bytes, the new ones, or random ones; of the names some.
    Garbage,
}

/// Where the shim writes, and what it watches.
pub struct Power {
    folder: PathBuf,
    library: PathBuf,
}

impl Power {
    /// Builds the shim for a server whose data will be in `folder/data`.
    pub fn prepare(folder: &Path) -> Result<Self> {
        let library = crate::shim::build(folder, "power", SHIM)?;
        let power = Self { folder: folder.to_owned(), library };
        std::fs::create_dir_all(power.graves())?;
        Ok(power)
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            ("LD_PRELOAD", text(self.library.clone())),
            ("FAULTS_WATCHED", text(self.data())),
            ("FAULTS_JOURNAL", text(self.journal())),
            ("FAULTS_GRAVES", text(self.graves())),
        ]
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    fn graves(&self) -> PathBuf {
        self.folder.join("graves")
    }

    /// Takes away what was not on the disk. The server must have been killed. Says how many operations that were.
    pub fn cut(&self, tail: Tail, dice: &mut Dice) -> Result<usize> {
        let text = std::fs::read_to_string(self.journal()).context("the shim wrote nothing")?;
        let operations: Vec<Operation> = text.lines().filter_map(Operation::parse).collect();
        let undoing = Undoing { tail, graves: self.graves(), files: self.files()? };
        let mut taken = 0;
        for (at, operation) in operations.iter().enumerate().rev() {
            if !is_durable(operation, &operations[at + 1..]) {
                taken += usize::from(undoing.undo(operation, dice)?);
            }
        }
        // A map of the database's log that its users make anew.
        std::fs::remove_file(self.data().join("cordwood.db-shm")).ok();
        std::fs::remove_file(self.journal())?;
        std::fs::remove_dir_all(self.graves())?;
        std::fs::create_dir_all(self.graves())?;
        Ok(taken)
    }

    /// Every file by its inode, open, whatever becomes of its name.
    fn files(&self) -> Result<HashMap<u64, File>> {
        let (mut files, mut folders) = (HashMap::new(), vec![self.data(), self.graves()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = File::options().read(true).write(true).open(&path)?;
                    files.insert(file.metadata()?.ino(), file);
                }
            }
        }
        Ok(files)
    }
}

/// A line of the journal.
#[derive(Debug, PartialEq, Eq)]
enum Operation {
    Write { inode: u64, offset: u64, length: usize, size: u64, old: Vec<u8> },
    Length { inode: u64, old: u64 },
    SyncBegun { inode: u64, number: u64 },
    Synced { inode: u64, number: u64 },
    Created { path: PathBuf },
    Removed { grave: u64, path: PathBuf },
    Renamed { grave: u64, from: PathBuf, to: PathBuf },
}

impl Operation {
    fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ')?;
        let (first, rest) = rest.split_once(' ')?;
        let number: u64 = first.parse().ok()?;
        Some(match kind {
            "W" => {
                let mut words = rest.split(' ');
                let (offset, length) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                let (size, old) = (words.next()?.parse().ok()?, unhex(words.next()?)?);
                Self::Write { inode: number, offset, length, size, old }
            }
            "L" => Self::Length { inode: number, old: rest.parse().ok()? },
            "B" => Self::SyncBegun { inode: number, number: rest.parse().ok()? },
            "S" => Self::Synced { inode: number, number: rest.parse().ok()? },
            "C" => Self::Created { path: rest.into() },
            "U" => Self::Removed { grave: number, path: rest.into() },
            "N" => {
                let (from, to) = rest.split_once('\t')?;
                Self::Renamed { grave: number, from: from.into(), to: to.into() }
            }
            _ => return None,
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Whether a sync that was begun behind the operation, and ended well, covers it.
fn is_durable(operation: &Operation, behind: &[Operation]) -> bool {
    let inode = match operation {
        Operation::Write { inode, .. } | Operation::Length { inode, .. } => Some(*inode),
        Operation::Created { path, .. }
        | Operation::Removed { path, .. }
        | Operation::Renamed { to: path, .. } => {
            path.parent().and_then(|folder| Some(std::fs::metadata(folder).ok()?.ino()))
        }
        Operation::SyncBegun { .. } | Operation::Synced { .. } => return true,
    };
    let begun = behind.iter().filter_map(|each| match each {
        Operation::SyncBegun { inode: of, number } if Some(*of) == inode => Some(*number),
        _ => None,
    });
    let ended = |number: u64| {
        behind.iter().any(|each| matches!(each, Operation::Synced { number: of, .. } if *of == number))
    };
    begun.into_iter().any(ended)
}

struct Undoing {
    tail: Tail,
    graves: PathBuf,
    files: HashMap<u64, File>,
}

impl Undoing {
    /// Says whether anything was there to be undone.
    fn undo(&self, operation: &Operation, dice: &mut Dice) -> Result<bool> {
        let keeps_name = match self.tail {
            Tail::Exact => false,
            Tail::Zeros => true,
            Tail::Garbage => dice.one_in(2),
        };
        match operation {
            Operation::Write { inode, offset, length, size, old } => {
                let Some(file) = self.files.get(inode) else { return Ok(false) };
                self.undo_write(file, *offset, *length, *size, old, dice)?;
            }
            Operation::Length { inode, old } => {
                let Some(file) = self.files.get(inode) else { return Ok(false) };
                if self.tail == Tail::Exact {
                    file.set_len(*old)?;
                }
            }
            Operation::Created { path } if !keeps_name => {
                std::fs::remove_file(path).ok();
            }
            Operation::Removed { grave, path } if !keeps_name && *grave > 0 => {
                std::fs::hard_link(self.graves.join(grave.to_string()), path).ok();
            }
            Operation::Renamed { grave, from, to } if !keeps_name => {
                std::fs::rename(to, from).ok();
                if *grave > 0 {
                    std::fs::hard_link(self.graves.join(grave.to_string()), to).ok();
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn undo_write(
        &self,
        file: &File,
        offset: u64,
        length: usize,
        size: u64,
        old: &[u8],
        dice: &mut Dice,
    ) -> Result<()> {
        let kept = length.min(size.saturating_sub(offset) as usize);
        let mut before = old.to_vec();
        before.resize(kept, 0);
        match self.tail {
            Tail::Exact => {
                file.write_all_at(&before, offset)?;
                if kept < length {
                    file.set_len(size)?;
                }
            }
            Tail::Zeros => file.write_all_at(&vec![0; length], offset)?,
            Tail::Garbage => {
                before.resize(length, 0);
                for (sector, old) in before.chunks(SECTOR).enumerate() {
                    let at = offset + (sector * SECTOR) as u64;
                    match dice.below(3) {
                        0 => {}
                        1 if sector * SECTOR < MOST_GARBAGE => {
                            let garbage: Vec<u8> = old.iter().map(|_| dice.roll() as u8).collect();
                            file.write_all_at(&garbage, at)?;
                        }
                        _ => file.write_all_at(old, at)?,
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a small program leaves when the power goes: it is told by its name what to do.
    fn after_cut(tail: Tail, script: &str) -> (tempfile::TempDir, usize) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("data/old"), "before").unwrap();
        let power = Power::prepare(folder.path()).unwrap();
        let ran = Command::new("python3")
            .args(["-c", script])
            .current_dir(folder.path().join("data"))
            .env("FOLDER", folder.path().join("data"))
            .envs(power.environment())
            .status()
            .unwrap();
        assert!(ran.success());
        let taken = power.cut(tail, &mut Dice::new(1)).unwrap();
        (folder, taken)
    }

    const PRELUDE: &str = "import os\nat = lambda name: os.path.join(os.environ['FOLDER'], name)\n\
        def put(name, text, flags=os.O_CREAT):\n    fd = os.open(at(name), os.O_RDWR | flags)\n    os.write(fd, text)\n    return fd\n\
        def sync_folder():\n    fd = os.open(at(''), os.O_RDONLY)\n    os.fsync(fd)\n";

    fn has_tools() -> bool {
        ["cc", "python3"].iter().all(|tool| Command::new(tool).arg("--version").output().is_ok())
    }

    #[test]
    fn what_was_not_synced_is_gone_and_what_was_is_there() {
        if !has_tools() {
            return;
        }
        let script = format!(
            "{PRELUDE}fd = put('new', b'synced')\nos.fdatasync(fd)\nsync_folder()\nos.write(fd, b' and not')\n\
             put('old', b'AFTER ')\nput('unsynced name', b'x')\nos.rename(at('old'), at('renamed'))\n"
        );
        let (folder, taken) = after_cut(Tail::Exact, &script);

        let read = |name: &str| std::fs::read_to_string(folder.path().join("data").join(name)).ok();
        assert_eq!(read("new").as_deref(), Some("synced"));
        assert_eq!(read("old").as_deref(), Some("before"));
        assert_eq!((read("unsynced name"), read("renamed")), (None, None));
        assert_eq!(taken, 5);
    }

    #[test]
    fn zeros_may_stand_where_data_was_not_synced() {
        if !has_tools() {
            return;
        }
        let script = format!(
            "{PRELUDE}fd = put('new', b'synced')\nos.fsync(fd)\nsync_folder()\nos.write(fd, b'lost')\n"
        );
        let (folder, _) = after_cut(Tail::Zeros, &script);

        assert_eq!(std::fs::read(folder.path().join("data/new")).unwrap(), b"synced\0\0\0\0");
    }

    #[test]
    fn a_removed_file_comes_back_when_its_folder_was_not_synced() {
        if !has_tools() {
            return;
        }
        let (folder, _) = after_cut(Tail::Exact, &format!("{PRELUDE}os.unlink(at('old'))\n"));
        assert_eq!(std::fs::read_to_string(folder.path().join("data/old")).unwrap(), "before");

        let (folder, _) = after_cut(Tail::Exact, &format!("{PRELUDE}os.unlink(at('old'))\nsync_folder()\n"));
        assert!(!folder.path().join("data/old").exists());
    }
}
