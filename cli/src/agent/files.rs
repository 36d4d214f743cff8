//! Which file is which: found by pattern, told apart by device, inode and how they begin.
//!
//! A file that is renamed is the same file. One that was cut goes on from its beginning, and what was not read yet is looked
//! for in a copy beside it (copytruncate). A copy of a file that is still there is not read a second time. A file that was
//! compressed after it was rotated goes on where it was.

use super::config::{Input, Source, Start};
use super::state::{FINGERPRINT_BYTES, Fingerprint, Mark};
use flate2::read::MultiGzDecoder;
use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file without a place under a pattern that does not grow for so long is read to its very end, and left.
const LEFT_AFTER: Duration = Duration::from_secs(5);

/// Files that are held open while the server is away.
const MOST_OPEN: usize = 400;

/// A file that is followed.
#[derive(Debug)]
pub struct Followed {
    pub mark: Mark,
    pub source: usize,
    file: Option<File>,
    /// When it was last seen to grow.
    grown_at: Instant,
    size: u64,
    is_gzip: bool,
    /// It was found under a pattern in the last round.
    is_listed: bool,
}

/// What is at a path now.
struct Seen {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    is_gzip: bool,
    start: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Files {
    pub followed: Vec<Followed>,
    /// The agent has run before, or has looked once: what appears now is read from its beginning.
    is_settled: bool,
    /// Bytes of cut files that nobody can read any more, at least.
    pub lost_bytes: u64,
}

impl Files {
    pub fn of(marks: Vec<Mark>, sources: &[Source], is_settled: bool) -> Self {
        let source_of = |mark: &Mark| {
            sources.iter().enumerate().position(|(index, source)| name_of(index, source) == mark.source)
        };
        let followed = marks.into_iter().filter_map(|mark| {
            let source = source_of(&mark)?;
            Some(Followed::new(mark, source))
        });
        Self { followed: followed.collect(), is_settled, lost_bytes: 0 }
    }

    /// Looks at everything under the patterns, and for what has left them.
    pub fn look(&mut self, sources: &[Source]) {
        self.followed.iter_mut().for_each(|followed| followed.is_listed = false);
        for (index, source) in sources.iter().enumerate() {
            let Input::Files { patterns, exclude } = &source.input else { continue };
            for path in listed(patterns, exclude) {
                if let Some(seen) = Seen::at(&path) {
                    self.place(seen, index, source, true);
                }
            }
        }
        self.look_for_missing(sources);
        self.is_settled = true;
    }

    /// Files of a spool, which nobody rotates.
    pub fn look_at(&mut self, path: &Path, index: usize, source: &Source) {
        if let Some(seen) = Seen::at(path) {
            self.place(seen, index, source, true);
        }
    }

    fn place(&mut self, seen: Seen, index: usize, source: &Source, is_listed: bool) {
        let same_inode =
            |followed: &Followed| followed.mark.inode == seen.inode && followed.mark.device == seen.device;
        if let Some(place) = self.followed.iter().position(same_inode) {
            let known = &self.followed[place].mark;
            let is_same = known.fingerprint.length == 0 || known.fingerprint.fits(&seen.start);
            if is_same && (seen.is_gzip || seen.size >= known.offset) {
                return self.followed[place].meet(seen, is_listed);
            }
            self.was_cut(place, &seen);
        }
        if seen.start.is_empty() {
            return;
        }
        if let Some(place) =
            self.followed.iter().position(|followed| followed.mark.fingerprint.fits(&seen.start))
        {
            let known = &self.followed[place];
            if known.is_still_there() {
                // A copy, perhaps one whose original is about to be cut.
                if is_relative(&known.mark.path, &seen.path) {
                    return;
                }
            } else if is_relative(&known.mark.path, &seen.path) {
                return self.followed[place].meet(seen, is_listed);
            }
        }
        self.add(seen, index, source, is_listed);
    }

    fn add(&mut self, seen: Seen, index: usize, source: &Source, is_listed: bool) {
        let is_skipped = source.start == Start::End && !self.is_settled;
        let mark = Mark {
            found_as: match source.input {
                Input::Files { .. } => seen.path.display().to_string(),
                _ => String::new(),
            },
            path: seen.path.clone(),
            device: seen.device,
            inode: seen.inode,
            fingerprint: Fingerprint::of(&seen.start),
            offset: if is_skipped && !seen.is_gzip { seen.size } else { 0 },
            pending: None,
            is_done: is_skipped && seen.is_gzip,
            source: name_of(index, source),
        };
        let mut followed = Followed::new(mark, index);
        followed.meet(seen, is_listed);
        self.followed.push(followed);
    }

    /// The file at this inode is another one now. What it was lives on in a copy, or is lost.
    fn was_cut(&mut self, place: usize, seen: &Seen) {
        let known = &self.followed[place];
        let copy =
            siblings(&known.mark.path).into_iter().filter(|path| *path != seen.path).find_map(|path| {
                let copy = Seen::at(&path)?;
                let is_other = copy.inode != seen.inode || copy.device != seen.device;
                let is_taken = self
                    .followed
                    .iter()
                    .any(|other| other.mark.inode == copy.inode && other.mark.device == copy.device);
                let is_copy = is_other && !is_taken && known.mark.fingerprint.fits(&copy.start);
                (is_copy && (copy.is_gzip || copy.size >= known.mark.offset)).then_some(copy)
            });
        match copy {
            Some(copy) => {
                let followed = &mut self.followed[place];
                followed.file = None;
                followed.meet(copy, false);
            }
            None => {
                let known = self.followed.remove(place);
                self.lost_bytes += known.size.saturating_sub(known.mark.offset);
            }
        }
    }

    /// Files that are not under a pattern any more, and are not read to their end: by inode, or as a copy.
    fn look_for_missing(&mut self, sources: &[Source]) {
        for place in 0..self.followed.len() {
            let followed = &self.followed[place];
            let is_file = matches!(sources[followed.source].input, Input::Files { .. });
            if followed.is_listed || followed.mark.is_done || !is_file {
                continue;
            }
            if let Some(file) = &followed.file {
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                self.followed[place].grow(size);
                continue;
            }
            let mark = followed.mark.clone();
            let found = siblings(&mark.path).into_iter().filter_map(|path| Seen::at(&path)).find(|seen| {
                let is_same = seen.inode == mark.inode && seen.device == mark.device;
                let is_taken = self.followed.iter().enumerate().any(|(other, followed)| {
                    other != place && followed.mark.inode == seen.inode && followed.mark.device == seen.device
                });
                (is_same || !is_taken) && mark.fingerprint.fits(&seen.start)
            });
            if let Some(seen) = found {
                self.followed[place].meet(seen, false);
            }
        }
    }

    /// Opens what waits, so that it can be read when its name is gone.
    pub fn hold(&mut self) {
        let open = self.followed.iter().filter(|followed| followed.file.is_some()).count();
        let waiting =
            self.followed.iter_mut().filter(|followed| followed.file.is_none() && followed.waiting() > 0);
        for followed in waiting.take(MOST_OPEN.saturating_sub(open)) {
            followed.file = File::open(&followed.mark.path).ok().filter(|file| followed.mark.is_of(file));
        }
    }

    /// Lets go of marks of files that are gone for good, the oldest first, when there are very many.
    pub fn forget(&mut self, most: usize) {
        let mut extra = self.followed.len().saturating_sub(most);
        self.followed.retain(|followed| {
            let goes = extra > 0 && followed.mark.is_done && !followed.is_listed;
            extra -= usize::from(goes);
            !goes
        });
    }
}

impl Followed {
    fn new(mark: Mark, source: usize) -> Self {
        Self { mark, source, file: None, grown_at: Instant::now(), size: 0, is_gzip: false, is_listed: false }
    }

    /// It is here now.
    fn meet(&mut self, seen: Seen, is_listed: bool) {
        let is_other = self.mark.inode != seen.inode || self.mark.device != seen.device;
        if is_other {
            self.file = None;
        }
        self.mark.path = seen.path;
        self.mark.device = seen.device;
        self.mark.inode = seen.inode;
        self.is_gzip = seen.is_gzip;
        self.is_listed = is_listed;
        // The longer, the surer.
        if (seen.start.len() as u64) > self.mark.fingerprint.length {
            self.mark.fingerprint = Fingerprint::of(&seen.start);
        }
        self.grow(seen.size);
    }

    fn grow(&mut self, size: u64) {
        if size != self.size {
            self.size = size;
            self.grown_at = Instant::now();
        }
        if !self.is_gzip && size > self.mark.offset {
            self.mark.is_done = false;
        }
    }

    fn is_still_there(&self) -> bool {
        Seen::at(&self.mark.path).is_some_and(|seen| {
            seen.inode == self.mark.inode
                && seen.device == self.mark.device
                && self.mark.fingerprint.fits(&seen.start)
        })
    }

    /// Nothing was written for so long.
    pub fn is_quiet(&self, since: Duration) -> bool {
        self.is_gzip || self.grown_at.elapsed() >= since
    }

    /// Nobody will write to it any more.
    pub fn is_left(&self) -> bool {
        self.is_gzip || (!self.is_listed && self.is_quiet(LEFT_AFTER))
    }

    /// Bytes that wait to be read; of packed files nobody knows.
    pub fn waiting(&self) -> u64 {
        if self.mark.is_done || self.is_gzip { 0 } else { self.size.saturating_sub(self.mark.offset) }
    }

    pub fn may_have_more(&self) -> bool {
        !self.mark.is_done && (self.is_gzip || self.size > self.mark.offset || self.mark.pending.is_some())
    }

    /// Up to `most` bytes from a place; nothing when the file is not the one it was.
    pub fn read(&mut self, from: u64, most: usize) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        if self.is_gzip {
            let mut reader = MultiGzDecoder::new(File::open(&self.mark.path)?);
            let skipped = std::io::copy(&mut (&mut reader).take(from), &mut std::io::sink())?;
            if skipped == from {
                reader.take(most as u64).read_to_end(&mut bytes)?;
            }
            return Ok(Some(bytes));
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.mark.path)?,
        };
        if !self.mark.is_of(&file) {
            return Ok(None); // replaced between looking and opening
        }
        file.seek(SeekFrom::Start(from))?;
        (&mut file).take(most as u64).read_to_end(&mut bytes)?;
        // It may have been cut and written anew while it was read.
        file.seek(SeekFrom::Start(0))?;
        let mut start = Vec::new();
        (&mut file).take(FINGERPRINT_BYTES as u64).read_to_end(&mut start)?;
        let is_same = self.mark.fingerprint.fits(&start);
        self.file = Some(file);
        Ok(is_same.then_some(bytes))
    }

    /// Read to its end.
    pub fn finish(&mut self) {
        self.mark.is_done = true;
        self.file = None;
    }
}

impl Seen {
    fn at(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let metadata: Metadata = file.metadata().ok()?;
        if !metadata.is_file() {
            return None;
        }
        let mut start = vec![0; 2];
        let is_gzip = file.read(&mut start).ok()? == 2 && start == [0x1F, 0x8B];
        start.clear();
        file.seek(SeekFrom::Start(0)).ok()?;
        let most = FINGERPRINT_BYTES as u64;
        match is_gzip {
            // One that is still being written reads as an error: it is looked at again.
            true => MultiGzDecoder::new(&file).take(most).read_to_end(&mut start).ok()?,
            false => file.take(most).read_to_end(&mut start).ok()?,
        };
        Some(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            is_gzip,
            start,
        })
    }
}

/// What a source is called in the state: by its name, or by its place.
pub fn name_of(index: usize, source: &Source) -> String {
    source.name.clone().unwrap_or_else(|| index.to_string())
}

fn listed(patterns: &[String], exclude: &[glob::Pattern]) -> Vec<PathBuf> {
    let found = patterns.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten().flatten();
    let mut known = HashSet::new();
    let is_wanted = |path: &PathBuf| !exclude.iter().any(|pattern| pattern.matches_path(path));
    found.filter(is_wanted).filter(|path| known.insert(path.clone())).collect()
}

/// `app.log.1`, `app.log-20260310`, `app.1.log` and `app.log.1.gz` are relatives of `app.log`.
fn is_relative(path: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let (name, other_name) = (name(path), name(other));
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    path.parent() == other.parent() && !name.is_empty() && stem(&other_name).starts_with(&stem(&name))
        || path.parent() == other.parent()
            && stem(&name).starts_with(&stem(&other_name))
            && !other_name.is_empty()
}

fn siblings(path: &Path) -> Vec<PathBuf> {
    let Some(folder) = path.parent() else { return Vec::new() };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|other| is_relative(path, other)).collect();
    paths.sort();
    paths
}
