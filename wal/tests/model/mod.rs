//! A file system in memory that forgets, tears and garbles whatever was not synced.
//!
//! - A write, a length or a preallocation is on disk only after `sync` of its file; a name only after `sync_folder`.
//! - A crash keeps any subset of the unsynced 512-byte sectors (the rest is old, or garbage: random bytes, or bytes that
//!   once stood in some other file), and any subset of the unsynced names.
//! - A failed sync drops the pages, and a later sync of the same file reports success without them, as Linux does.
//! - Any operation can be the last before the crash, or fail with an error of choice.

#![allow(dead_code)] // each test binary uses its own part

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wal::fs::{Files, Space, Storage};

const SECTOR: usize = 512;

/// A small generator with a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    pub fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }
}

/// How the unsynced data looks after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// All of it is gone.
    Gone,
    /// All of it is there: what `kill -9` leaves.
    Kept,
    /// Each sector by itself: old, new or garbage.
    Mixed,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Default)]
struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    operations: u64,
    crash_at: Option<u64>,
    crashed: bool,
    faults: BTreeMap<u64, io::ErrorKind>,
    room: Option<u64>,
    /// Everything that was ever on disk, as a source of stale garbage.
    history: Vec<Vec<u8>>,
    dice: Option<Dice>,
}

/// The model; clones are the same disk.
#[derive(Clone, Default)]
pub struct ModelDisk {
    disk: Arc<Mutex<Disk>>,
    locked: Arc<AtomicBool>,
}

impl Inode {
    fn apply(target: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Length(length) => target.resize(*length, 0),
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if target.len() < end {
                    target.resize(end, 0);
                }
                target[*offset..end].copy_from_slice(bytes);
            }
        }
    }

    fn change(&mut self, change: Change) {
        Self::apply(&mut self.current, &change);
        self.pending.push(change);
    }

    fn sync(&mut self, history: &mut Vec<Vec<u8>>) {
        for change in std::mem::take(&mut self.pending) {
            Self::apply(&mut self.durable, &change);
            if let Change::Write { bytes, .. } = change {
                history.push(bytes);
            }
        }
    }

    /// Some of the unsynced changes reach the disk, sector by sector.
    fn sync_partly(&mut self, dice: &mut Dice, history: &[Vec<u8>], garbage: bool) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Length(_) => {
                    if !dice.one_in(3) {
                        Self::apply(&mut self.durable, &change);
                    }
                }
                Change::Write { offset, bytes } => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let stop = ((offset + at) / SECTOR + 1) * SECTOR - offset;
                        let piece = bytes[at..stop.min(bytes.len())].to_vec();
                        let length = piece.len();
                        let piece = match dice.below(8) {
                            0..=3 => Some(piece),
                            4 if garbage => Some((0..length).map(|_| dice.roll() as u8).collect()),
                            5 if garbage => stale(dice, history, length),
                            _ => None,
                        };
                        if let Some(bytes) = piece {
                            Self::apply(&mut self.durable, &Change::Write { offset: offset + at, bytes });
                        }
                        at += length;
                    }
                }
            }
        }
    }
}

fn stale(dice: &mut Dice, history: &[Vec<u8>], length: usize) -> Option<Vec<u8>> {
    let old = history.get(dice.below(history.len().max(1) as u64) as usize)?;
    let mut bytes: Vec<u8> = old.iter().copied().take(length).collect();
    bytes.resize(length, 0);
    Some(bytes)
}

impl Disk {
    /// Counts one operation that changes something; it may be the one that never happens, or that fails.
    fn step(&mut self) -> io::Result<()> {
        if self.crashed {
            return Err(io::Error::other("the machine is off"));
        }
        self.operations += 1;
        if self.crash_at == Some(self.operations) {
            self.crashed = true;
            return Err(io::Error::other("the power went"));
        }
        match self.faults.remove(&self.operations) {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }

    fn used(&self) -> u64 {
        self.names.values().map(|&inode| self.inodes[inode].current.len() as u64).sum()
    }

    fn take_room(&self, bytes: u64) -> io::Result<()> {
        match self.room {
            Some(room) if self.used() + bytes > room => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl ModelDisk {
    pub fn new(seed: u64) -> Self {
        let model = Self::default();
        model.disk.lock().unwrap().dice = Some(Dice::new(seed));
        model
    }

    /// Another disk with the same files, all of them durable.
    pub fn copy(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        self.files().into_iter().for_each(|(path, bytes)| copy.put(&path, bytes));
        copy
    }

    /// Operations that changed something so far.
    pub fn operations(&self) -> u64 {
        self.disk.lock().unwrap().operations
    }

    /// The power goes instead of this operation.
    pub fn crash_at(&self, operation: u64) {
        self.disk.lock().unwrap().crash_at = Some(operation);
    }

    /// This operation fails once.
    pub fn fail_at(&self, operation: u64, kind: io::ErrorKind) {
        self.disk.lock().unwrap().faults.insert(operation, kind);
    }

    /// From now on the files together hold no more than this.
    pub fn set_room(&self, room: Option<u64>) {
        self.disk.lock().unwrap().room = room;
    }

    pub fn used(&self) -> u64 {
        self.disk.lock().unwrap().used()
    }

    /// Turns the machine on again: what was synced is there, and what the tail says of the rest.
    pub fn restart(&self, tail: Tail) {
        let mut disk = self.disk.lock().unwrap();
        let disk = &mut *disk;
        let dice = disk.dice.as_mut().expect("made with a seed");
        for inode in &mut disk.inodes {
            match tail {
                Tail::Gone => inode.pending.clear(),
                Tail::Kept => inode.sync(&mut disk.history),
                Tail::Mixed => inode.sync_partly(dice, &disk.history, true),
            }
            inode.pending.clear();
            inode.current = inode.durable.clone();
        }
        let mut names = disk.durable_names.clone();
        let all: Vec<PathBuf> = disk.names.keys().chain(disk.durable_names.keys()).cloned().collect();
        for path in all {
            let keeps = match tail {
                Tail::Gone => false,
                Tail::Kept => true,
                Tail::Mixed => dice.one_in(2),
            };
            if keeps {
                match disk.names.get(&path) {
                    Some(&inode) => names.insert(path, inode),
                    None => names.remove(&path),
                };
            }
        }
        disk.names = names.clone();
        disk.durable_names = names;
        disk.crashed = false;
        disk.crash_at = None;
        disk.faults.clear();
    }

    /// Names and contents, for a mutator.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let disk = self.disk.lock().unwrap();
        disk.names.iter().map(|(path, &inode)| (path.clone(), disk.inodes[inode].current.clone())).collect()
    }

    /// Puts a file there as if it had always been.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut disk = self.disk.lock().unwrap();
        disk.inodes.push(Inode { current: bytes.clone(), durable: bytes, pending: Vec::new() });
        let inode = disk.inodes.len() - 1;
        disk.names.insert(path.to_owned(), inode);
        disk.durable_names.insert(path.to_owned(), inode);
    }

    /// Flips a byte of an open file under its users.
    pub fn damage(&self, path: &Path, at: usize) {
        let mut disk = self.disk.lock().unwrap();
        let inode = disk.names[path];
        disk.inodes[inode].current[at] ^= 0xFF;
        disk.inodes[inode].durable[at] ^= 0xFF;
    }

    pub fn delete(&self, path: &Path) {
        let mut disk = self.disk.lock().unwrap();
        disk.names.remove(path);
        disk.durable_names.remove(path);
    }
}

struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct Open {
    model: ModelDisk,
    inode: usize,
}

impl Files for ModelDisk {
    fn prepare_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        match self.locked.swap(true, Ordering::SeqCst) {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => Ok(Box::new(Held(Arc::clone(&self.locked)))),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk.lock().unwrap();
        let inside = disk.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn Storage>> {
        let mut disk = self.disk.lock().unwrap();
        disk.step()?;
        disk.inodes.push(Inode::default());
        let inode = disk.inodes.len() - 1;
        disk.names.insert(path.to_owned(), inode);
        disk.take_room(bytes)?;
        if bytes > 0 {
            disk.inodes[inode].change(Change::Length(bytes as usize));
        }
        Ok(Arc::new(Open { model: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Storage>> {
        let inode = self.disk.lock().unwrap().inode(path)?;
        Ok(Arc::new(Open { model: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step()?;
        let inode = disk.inode(from)?;
        disk.names.remove(from);
        disk.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step()?;
        disk.inode(path)?;
        disk.names.remove(path);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock().unwrap();
        disk.step()?;
        let disk = &mut *disk;
        disk.durable_names.retain(|path, _| path.parent() != Some(folder) || disk.names.contains_key(path));
        let inside = disk.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        disk.durable_names.extend(inside.map(|(path, &inode)| (path.clone(), inode)));
        Ok(())
    }

    fn space(&self, _folder: &Path) -> io::Result<Space> {
        let disk = self.disk.lock().unwrap();
        let total = disk.room.unwrap_or(1 << 40);
        Ok(Space { available: total.saturating_sub(disk.used()), total })
    }
}

impl Storage for Open {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.model.disk.lock().unwrap();
        let bytes = &disk.inodes[self.inode].current;
        let start = (offset as usize).min(bytes.len());
        let length = buffer.len().min(bytes.len() - start);
        buffer[..length].copy_from_slice(&bytes[start..start + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.model.disk.lock().unwrap();
        let stepped = disk.step();
        let grows =
            (offset + bytes.len() as u64).saturating_sub(disk.inodes[self.inode].current.len() as u64);
        // A write that fails or is cut off may still have put a part of it into the cache.
        let part = match &stepped {
            Ok(()) => bytes.len(),
            Err(_) => disk.dice.as_mut().expect("made with a seed").below(bytes.len() as u64 + 1) as usize,
        };
        if stepped.is_ok() {
            disk.take_room(grows)?;
        }
        disk.inodes[self.inode]
            .change(Change::Write { offset: offset as usize, bytes: bytes[..part].to_vec() });
        stepped
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.model.disk.lock().unwrap();
        let stepped = disk.step();
        let disk = &mut *disk;
        let crashed = disk.crashed;
        let inode = &mut disk.inodes[self.inode];
        match stepped {
            Ok(()) => inode.sync(&mut disk.history),
            Err(_) if crashed => {}
            Err(_) => inode.sync_partly(disk.dice.as_mut().expect("made with a seed"), &disk.history, false),
        }
        stepped
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let mut disk = self.model.disk.lock().unwrap();
        disk.step()?;
        disk.inodes[self.inode].change(Change::Length(bytes as usize));
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.model.disk.lock().unwrap().inodes[self.inode].current.len() as u64)
    }
}
