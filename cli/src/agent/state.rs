//! What was sent of which file. Written whole, to a new file that takes the place of the old one, and synced.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file by what it begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub length: u64,
    pub hash: u64,
}

/// Bytes that tell files apart.
pub const FINGERPRINT_BYTES: usize = 1024;

impl Fingerprint {
    pub fn of(start: &[u8]) -> Self {
        let start = &start[..start.len().min(FINGERPRINT_BYTES)];
        Self { length: start.len() as u64, hash: xxhash_rust::xxh64::xxh64(start, 0) }
    }

    /// Whether a file that begins like this is the same one, perhaps grown.
    pub fn fits(&self, start: &[u8]) -> bool {
        let length = self.length as usize;
        length > 0 && start.len() >= length && Self::of(&start[..length]).hash == self.hash
    }
}

/// A batch that is on its way. After a crash exactly these bytes are sent again under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub end: u64,
    pub key: String,
}

/// How far a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where it is now.
    pub path: PathBuf,
    /// Where it was when it was found, which is what its events say.
    pub found_as: String,
    pub device: u64,
    pub inode: u64,
    pub fingerprint: Fingerprint,
    /// Everything before is acknowledged. Counted in unpacked bytes.
    pub offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Read to its end, and nothing more is expected.
    #[serde(default)]
    pub is_done: bool,
    /// Which source it belongs to.
    pub source: String,
}

impl Mark {
    /// Whether this is the file, whatever it is called.
    pub fn is_of(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|now| now.ino() == self.inode && now.dev() == self.device)
    }
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub marks: Vec<Mark>,
}

impl State {
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("state.json");
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| {
                format!("{} is damaged; delete it to begin anew, which sends files again", path.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Marks are borrowed from where they are used.
pub fn write<'m>(folder: &Path, marks: impl Iterator<Item = &'m Mark>) -> Result<()> {
    #[derive(Serialize)]
    struct Written<'m> {
        marks: Vec<&'m Mark>,
    }
    let (path, fresh) = (folder.join("state.json"), folder.join("state.json.new"));
    let text = serde_json::to_vec(&Written { marks: marks.collect() })?;
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_fits_the_file_it_was_taken_of_also_when_it_has_grown() {
        let short = Fingerprint::of(b"line 1\n");
        assert!(short.fits(b"line 1\nline 2\n") && !short.fits(b"line 2\nline 3\n") && !short.fits(b"line"));
        assert!(!Fingerprint::of(b"").fits(b"anything"));
        let long = vec![b'x'; 5_000];
        assert_eq!(Fingerprint::of(&long).length, 1_024);
    }

    #[test]
    fn marks_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(State::read(folder.path()).expect("nothing there"), None);
        let mark = Mark {
            path: "/var/log/app.log".into(),
            found_as: "/var/log/app.log".into(),
            device: 1,
            inode: 2,
            fingerprint: Fingerprint::of(b"x"),
            offset: 10,
            pending: Some(Pending { end: 20, key: "k".into() }),
            is_done: false,
            source: "1".into(),
        };
        write(folder.path(), [&mark].into_iter()).expect("writable");
        assert_eq!(State::read(folder.path()).expect("readable"), Some(State { marks: vec![mark] }));
        std::fs::write(folder.path().join("state.json"), "{").expect("writable");
        assert!(State::read(folder.path()).is_err());
    }
}
