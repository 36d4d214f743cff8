//! Files as blocks of whole events: found by glob, unpacked, cut where an event begins.

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Bytes that are looked at together.
pub const BLOCK: usize = 2 << 20;
/// How far back a better place to cut is looked for.
const LOOK_BACK: usize = 64 << 10;

/// Where events come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Stdin,
    File(PathBuf),
}

/// Names as they are typed: files, patterns, and `-`.
pub fn sources(names: &[String]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for name in names {
        if name == "-" {
            sources.push(Source::Stdin);
        } else if Path::new(name).exists() || !name.contains(['*', '?', '[']) {
            sources.push(Source::File(PathBuf::from(name)));
        } else {
            let found = glob::glob(name).with_context(|| format!("{name} is no pattern for file names"))?;
            let before = sources.len();
            sources.extend(found.flatten().filter(|path| path.is_file()).map(Source::File));
            ensure!(sources.len() > before, "no file matches {name}");
        }
    }
    Ok(sources)
}

impl Source {
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Opened and, if it is compressed, unpacked.
    pub fn open(&self) -> Result<Box<dyn BufRead + Send>> {
        let raw: Box<dyn Read + Send> = match self {
            Self::Stdin => Box::new(std::io::stdin()),
            Self::File(path) => {
                ensure!(
                    !path.is_dir(),
                    "{} is a folder; name its files, such as {}/*.log",
                    path.display(),
                    path.display()
                );
                Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
            }
        };
        let mut raw = BufReader::with_capacity(64 << 10, raw);
        let start = raw.fill_buf().with_context(|| format!("cannot read {}", self.name()))?;
        Ok(match start {
            [0x1F, 0x8B, ..] => Box::new(BufReader::new(MultiGzDecoder::new(raw))),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Box::new(BufReader::new(zstd::Decoder::new(raw)?)),
            _ => Box::new(raw),
        })
    }

    /// Bytes on disk, to tell how far reading is.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        }
    }

    /// The time of lines that say none: when the file was last written.
    fn time_ns(&self, now_ns: i64) -> i64 {
        let Self::File(path) = self else { return now_ns };
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        age.and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(now_ns)
    }
}

/// What holds for all events of a source.
#[derive(Debug)]
pub struct Origin {
    pub name: String,
    /// For events that say no time.
    pub time_ns: i64,
}

/// Whole events of one source.
#[derive(Debug)]
pub struct Block {
    /// Place among all blocks.
    pub index: u64,
    pub bytes: Vec<u8>,
    /// One JSON document, not lines.
    pub is_document: bool,
    pub origin: Arc<Origin>,
}

/// Reads sources block by block.
pub struct Blocks<'s> {
    sources: std::slice::Iter<'s, Source>,
    now_ns: i64,
    open: Option<Open>,
    next_index: u64,
}

struct Open {
    /// More may be written to it at any time, and nobody should wait for a whole block.
    is_live: bool,
    reader: Box<dyn BufRead + Send>,
    origin: Arc<Origin>,
    /// The beginning of the next block.
    rest: Vec<u8>,
    is_first: bool,
}

impl<'s> Blocks<'s> {
    pub fn new(sources: &'s [Source], now_ns: i64) -> Self {
        Self { sources: sources.iter(), now_ns, open: None, next_index: 0 }
    }

    /// The next block, in `buffer` if there is one to be used again.
    pub fn next(&mut self, mut buffer: Vec<u8>) -> Result<Option<Block>> {
        loop {
            if self.open.is_none() {
                let Some(source) = self.sources.next() else { return Ok(None) };
                let origin = Origin { name: source.name(), time_ns: source.time_ns(self.now_ns) };
                self.open = Some(Open {
                    is_live: *source == Source::Stdin,
                    reader: source.open()?,
                    origin: Arc::new(origin),
                    rest: Vec::new(),
                    is_first: true,
                });
            }
            let open = self.open.as_mut().expect("it was just opened");
            let is_document = open.read(&mut buffer)?;
            let origin = Arc::clone(&open.origin);
            if buffer.is_empty() {
                self.open = None;
                continue;
            }
            let index = self.next_index;
            self.next_index += 1;
            return Ok(Some(Block { index, bytes: buffer, is_document, origin }));
        }
    }
}

impl Open {
    /// Fills the buffer up to where an event ends; leaves it empty at the end. Says whether it is a whole document.
    fn read(&mut self, buffer: &mut Vec<u8>) -> Result<bool> {
        buffer.clear();
        buffer.append(&mut self.rest);
        if self.is_live && !self.is_first {
            return self.read_live(buffer).map(|()| false);
        }
        if self.is_live {
            let start =
                self.reader.fill_buf().with_context(|| format!("cannot read {}", self.origin.name))?;
            if !is_document(start) {
                self.is_first = false;
                return self.read_live(buffer).map(|()| false);
            }
        }
        let mut wanted = BLOCK;
        loop {
            let missing = wanted.saturating_sub(buffer.len()).max(1) as u64;
            let read = (&mut self.reader).take(missing).read_to_end(buffer);
            let read = read.with_context(|| format!("cannot read {}", self.origin.name))?;
            if std::mem::take(&mut self.is_first) && is_document(buffer) {
                self.reader
                    .read_to_end(buffer)
                    .with_context(|| format!("cannot read {}", self.origin.name))?;
                return Ok(true);
            }
            if (read as u64) < missing {
                return Ok(false);
            }
            if let Some(end) = cut(buffer) {
                self.rest.extend_from_slice(&buffer[end..]);
                buffer.truncate(end);
                return Ok(false);
            }
            // A line longer than a block.
            wanted += BLOCK;
        }
    }
}

impl Open {
    /// Fills the buffer with the lines that are there, as soon as no more come for a moment.
    fn read_live(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        loop {
            let some = self.reader.fill_buf().with_context(|| format!("cannot read {}", self.origin.name))?;
            let length = some.len();
            buffer.extend_from_slice(some);
            self.reader.consume(length);
            if length == 0 {
                return Ok(());
            }
            let end = match buffer.len() >= BLOCK {
                true => cut(buffer),
                false if is_quiet() => memchr::memrchr(b'\n', buffer).map(|newline| newline + 1),
                false => None,
            };
            if let Some(end) = end {
                self.rest.extend_from_slice(&buffer[end..]);
                buffer.truncate(end);
                return Ok(());
            }
        }
    }
}

/// Whether nothing comes over standard input for a moment.
fn is_quiet() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    matches!(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&moment)), Ok(0) | Err(_))
}

/// Whether a body is JSON that does not have an object on each line: an array of objects, or an indented object.
fn is_document(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    match start.first() {
        Some(b'[') => matches!(start[1..].trim_ascii_start().first(), Some(b'{')),
        Some(b'{') => {
            let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
            line.len() < start.len() && (line == b"{" || line.ends_with(b","))
        }
        _ => false,
    }
}

/// Where the last line begins that looks like the beginning of an event, else where the last line begins.
fn cut(block: &[u8]) -> Option<usize> {
    let far = block.len().saturating_sub(LOOK_BACK);
    let mut newlines = memchr::memrchr_iter(b'\n', block).filter(|at| at + 1 < block.len());
    let last = newlines.next()? + 1;
    if looks_like_start(&block[last..]) {
        return Some(last);
    }
    let better =
        newlines.map(|at| at + 1).take_while(|at| *at > far).find(|at| looks_like_start(&block[*at..]));
    Some(better.unwrap_or(last))
}

/// A JSON object, a digit of a time, a bracket, or a month.
fn looks_like_start(line: &[u8]) -> bool {
    matches!(
        line,
        [b'{' | b'[' | b'<' | b'0'..=b'9', ..]
            | [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ', b' ' | b'0'..=b'3', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_back(sources: &[Source]) -> (Vec<u8>, usize) {
        let mut blocks = Blocks::new(sources, 0);
        let (mut all, mut count) = (Vec::new(), 0);
        while let Some(block) = blocks.next(Vec::new()).expect("readable") {
            all.extend_from_slice(&block.bytes);
            count += 1;
        }
        (all, count)
    }

    #[test]
    fn blocks_put_together_are_the_files_whatever_their_compression() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "2026-03-10 10:00:00 ERROR failed\n\tat a.b(C.java:1)\n".repeat(150_000).into_bytes();
        let plain = folder.path().join("app.log");
        std::fs::write(&plain, &text).expect("writable");
        let gz = folder.path().join("app.log.1.gz");
        let mut encoder =
            flate2::write::GzEncoder::new(File::create(&gz).expect("writable"), flate2::Compression::fast());
        encoder.write_all(&text).expect("writable");
        encoder.finish().expect("writable");
        let zst = folder.path().join("app.log.2.zst");
        std::fs::write(&zst, zstd::encode_all(text.as_slice(), 1).expect("encodes")).expect("writable");
        for path in [plain, gz, zst] {
            let (all, count) = read_back(&[Source::File(path)]);
            assert!(all == text && count > 1, "{count} blocks");
        }
        let pattern = folder.path().join("app.log*").display().to_string();
        assert_eq!(sources(&[pattern]).expect("three files").len(), 3);
        let none = sources(&[folder.path().join("*.txt").display().to_string()]).expect_err("no file");
        assert!(none.to_string().starts_with("no file matches "), "{none}");
    }

    #[test]
    fn blocks_end_before_a_line_that_begins_an_event() {
        assert_eq!(cut(b"2026-01-01 a"), None);
        assert_eq!(
            cut(b"2026-01-01 a\n\tat x\n\tat y\n"),
            Some(19),
            "a whole block of one event is cut somewhere"
        );
        assert_eq!(cut(b"x\n2026-01-01 a\n\tat x\n\tat y\n"), Some(2));
        assert_eq!(cut(b"{\"a\":1}\n{\"b\":2}\n{\"c\""), Some(16));
        assert_eq!(cut(b"Mar 10 10:00:00 x\nMar 10 10:00:01 y\n  z"), Some(18));
        assert_eq!(cut(b"one\ntwo\nthree"), Some(8));
    }

    #[test]
    fn arrays_and_indented_objects_are_documents_and_lines_of_objects_are_not() {
        for document in ["[{\"a\":1}]", " [\n {}", "{\n  \"a\": 1\n}", "{\"a\": 1,\n\"b\": 2}"] {
            assert!(is_document(document.as_bytes()), "{document}");
        }
        for lines in ["{\"a\":1}\n{\"a\":2}", "{\"a\":1}", "[error] x", "[main] {x", "plain"] {
            assert!(!is_document(lines.as_bytes()), "{lines}");
        }
    }
}
