//! A tar file that is written piece by piece on a thread of its own: compressing would hold up everything else.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Lines are handed over together.
const PIECE_BYTES: usize = 1 << 20;
const PIECES_IN_FLIGHT: usize = 4;

enum Step {
    Begin(String),
    Data(Vec<u8>),
    End,
}

pub struct Archive {
    steps: mpsc::Sender<Step>,
    thread: JoinHandle<io::Result<Sealed>>,
    piece: Vec<u8>,
}

/// What was written.
pub struct Sealed {
    pub files: u64,
    pub bytes: u64,
    pub sha256: String,
}

impl Archive {
    /// Begins the file of a job, anew if there is one.
    pub fn begin(folder: &Path, job_id: Uuid) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (path, unfinished) =
            (super::path_of(folder, job_id), folder.join(format!("{job_id}.unfinished")));
        let (steps, received) = mpsc::channel(PIECES_IN_FLIGHT);
        let thread = tokio::task::spawn_blocking(move || write(received, &unfinished, &path));
        Ok(Self { steps, thread, piece: Vec::new() })
    }

    /// A file whose name ends with `.gz` is compressed.
    pub async fn begin_file(&mut self, name: &str) -> io::Result<()> {
        self.step(Step::Begin(name.to_owned())).await
    }

    /// Adds a line of JSON.
    pub async fn line(&mut self, value: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.piece, value)?;
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE_BYTES {
            let piece = std::mem::take(&mut self.piece);
            self.step(Step::Data(piece)).await?;
        }
        Ok(())
    }

    pub async fn end_file(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        self.step(Step::Data(piece)).await?;
        self.step(Step::End).await
    }

    /// Gives the file its name: only a whole one has it.
    pub async fn finish(self) -> io::Result<Sealed> {
        drop(self.steps);
        self.thread.await.map_err(io::Error::other)?
    }

    async fn step(&mut self, step: Step) -> io::Result<()> {
        if self.steps.send(step).await.is_ok() {
            return Ok(());
        }
        // The thread has ended before its time, and knows why.
        let ended = (&mut self.thread).await.map_err(io::Error::other)?;
        Err(ended.err().unwrap_or_else(|| io::Error::other("the archive ended early")))
    }
}

fn write(mut steps: mpsc::Receiver<Step>, unfinished: &Path, path: &PathBuf) -> io::Result<Sealed> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create(unfinished)?));
    let (mut files, mut open) = (0, None::<(String, Member)>);
    while let Some(step) = steps.blocking_recv() {
        match step {
            Step::Begin(name) => {
                let member = Member::begin(name.ends_with(".gz"))?;
                open = Some((name, member));
            }
            Step::Data(data) => {
                if let Some((_, member)) = &mut open {
                    member.write(&data)?;
                }
            }
            Step::End => {
                if let Some((name, member)) = open.take() {
                    append(&mut tar, &name, member.finish()?)?;
                    files += 1;
                }
            }
        }
    }
    let file = tar.into_inner()?.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    let (bytes, sha256) = checksum(unfinished)?;
    std::fs::rename(unfinished, path)?;
    Ok(Sealed { files, bytes, sha256 })
}

/// One file of the archive, kept aside until its length is known.
enum Member {
    Plain(File),
    Packed(GzEncoder<File>),
}

impl Member {
    fn begin(packed: bool) -> io::Result<Self> {
        let file = tempfile()?;
        Ok(if packed {
            Self::Packed(GzEncoder::new(file, Compression::default()))
        } else {
            Self::Plain(file)
        })
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(data),
            Self::Packed(packed) => packed.write_all(data),
        }
    }

    fn finish(self) -> io::Result<File> {
        match self {
            Self::Plain(file) => Ok(file),
            Self::Packed(packed) => packed.finish(),
        }
    }
}

/// A file without a name: it is gone with its last handle.
fn tempfile() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("cordwood-export-{}", Uuid::now_v7()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn append(tar: &mut tar::Builder<BufWriter<File>>, name: &str, mut file: File) -> io::Result<()> {
    let bytes = file.stream_position()?;
    file.seek(SeekFrom::Start(0))?;
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_mtime(crate::time::now_us().unsigned_abs() / 1_000_000);
    tar.append_data(&mut header, name, file)
}

fn checksum(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, data_encoding::HEXLOWER.encode(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn what_was_written_can_be_read_again_and_only_a_whole_file_has_the_name() {
        let (folder, job_id) = (tempfile::tempdir().unwrap(), Uuid::now_v7());
        let mut archive = Archive::begin(folder.path(), job_id).unwrap();
        archive.begin_file("one.json").await.unwrap();
        archive.line(&json!({"a": 1})).await.unwrap();
        archive.end_file().await.unwrap();
        archive.begin_file("logs/two.ndjson.gz").await.unwrap();
        for n in 0..100_000 {
            archive.line(&json!({"n": n, "text": "the same words again and again"})).await.unwrap();
        }
        archive.end_file().await.unwrap();
        let path = super::super::path_of(folder.path(), job_id);
        assert!(!path.exists());
        let sealed = archive.finish().await.unwrap();

        assert_eq!((sealed.files, sealed.bytes), (2, std::fs::metadata(&path).unwrap().len()));
        let mut read = tar::Archive::new(File::open(&path).unwrap());
        let mut texts = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            if name.ends_with(".gz") {
                flate2::read::GzDecoder::new(entry).read_to_string(&mut text).unwrap();
            } else {
                entry.read_to_string(&mut text).unwrap();
            }
            texts.push((name, text.lines().count()));
        }
        assert_eq!(texts, [("one.json".to_owned(), 1), ("logs/two.ndjson.gz".to_owned(), 100_000)]);
    }
}
