//! Streams that nobody else keeps, standard input and the journal, as files that are followed like any other.
//!
//! A part is written until it is large, then a new one begins; parts that are acknowledged are deleted. Of the journal the
//! cursor of the last whole line is where reading goes on after a restart.

use super::config::{Input, Start};
use super::metrics::tell;
use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const PART_BYTES: u64 = 8 << 20;
/// Bytes of parts that wait; the stream waits too when there are more.
const MOST_WAITING: u64 = 1 << 30;

pub struct Spool {
    folder: PathBuf,
    name: String,
    /// The part that is being written.
    current: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Spool {
    /// Begins to take in a stream, on a thread of its own.
    pub fn start(folder: &Path, index: usize, input: &Input, start: Start) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let kind = if *input == Input::Stdin { "stdin" } else { "journal" };
        let spool = Self {
            folder: folder.to_owned(),
            name: format!("{kind}-{index}-"),
            current: Arc::default(),
            is_over: Arc::default(),
        };
        let next = spool.parts().last().map_or(1, |(number, _)| number + 1);
        spool.current.store(next, Relaxed);
        let writer = Writer {
            folder: spool.folder.clone(),
            name: spool.name.clone(),
            current: Arc::clone(&spool.current),
            file: None,
            written: 0,
        };
        let is_over = Arc::clone(&spool.is_over);
        let work: Box<dyn FnOnce(Writer) -> Result<()> + Send> = match input {
            Input::Journald { units, folder } => {
                let (units, folder) = (units.clone(), folder.clone());
                let cursor = spool.cursor()?;
                Box::new(move |writer| journal(writer, &units, folder.as_deref(), cursor, start))
            }
            _ => Box::new(|mut writer| {
                let mut stdin = std::io::stdin().lock();
                writer.copy(&mut stdin, &mut |_| ()).context("standard input")
            }),
        };
        std::thread::spawn(move || {
            if let Err(error) = work(writer) {
                tell(&format!("{error:#}"));
            }
            is_over.store(true, Relaxed);
        });
        Ok(spool)
    }

    /// The parts in order.
    pub fn parts(&self) -> Vec<(u64, PathBuf)> {
        parts(&self.folder, &self.name)
    }

    /// Whether a part is complete.
    pub fn is_complete(&self, number: u64) -> bool {
        self.is_over() || number < self.current.load(Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// A part that is acknowledged goes; the cursor of the journal stays.
    pub fn delete(&self, path: &Path) -> Result<()> {
        if let Some(cursor) = last_cursor(path)? {
            let (kept, fresh) = (self.cursor_file(), self.folder.join(format!("{}cursor.new", self.name)));
            std::fs::write(&fresh, cursor)
                .and_then(|()| std::fs::rename(&fresh, &kept))
                .context("cannot keep the cursor")?;
        }
        std::fs::remove_file(path).with_context(|| format!("cannot delete {}", path.display()))
    }

    fn cursor_file(&self) -> PathBuf {
        self.folder.join(format!("{}cursor", self.name))
    }

    /// Where the journal was read to. Half a line at the end of a part is cut off, as it is read again.
    fn cursor(&self) -> Result<Option<String>> {
        for (_, path) in self.parts().into_iter().rev() {
            let bytes = std::fs::read(&path)?;
            let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |newline| newline + 1);
            if whole < bytes.len() {
                OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
            }
            if let Some(cursor) = last_cursor(&path)? {
                return Ok(Some(cursor));
            }
        }
        Ok(std::fs::read_to_string(self.cursor_file()).ok())
    }
}

fn parts(folder: &Path, name: &str) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |path: &Path| {
        let file = path.file_name()?.to_str()?;
        file.strip_prefix(name)?.strip_suffix(".log")?.parse().ok()
    };
    let mut parts: Vec<(u64, PathBuf)> =
        entries.map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path))).collect();
    parts.sort();
    parts
}

/// The cursor in the last line of the journal that a part holds.
fn last_cursor(path: &Path) -> Result<Option<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let entry: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    Ok(entry.and_then(|entry| entry["__CURSOR"].as_str().map(str::to_owned)))
}

struct Writer {
    folder: PathBuf,
    name: String,
    current: Arc<AtomicU64>,
    file: Option<File>,
    written: u64,
}

impl Writer {
    /// Writes down what comes, in whole lines, until it ends.
    fn copy(&mut self, from: &mut dyn BufRead, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line)? > 0 {
            self.append(&line)?;
            each(&line);
            line.clear();
        }
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> Result<()> {
        if self.written >= PART_BYTES {
            self.file = None;
            self.written = 0;
            self.current.fetch_add(1, Relaxed);
            self.wait_for_room();
        }
        let path = self.folder.join(format!("{}{:010}.log", self.name, self.current.load(Relaxed)));
        let file = match &mut self.file {
            Some(file) => file,
            empty => {
                let open = OpenOptions::new().create(true).append(true).open(&path);
                empty.insert(open.with_context(|| format!("cannot write {}", path.display()))?)
            }
        };
        file.write_all(line).with_context(|| format!("cannot write {}", path.display()))?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn wait_for_room(&self) {
        let waiting = || parts(&self.folder, &self.name).len() as u64 * PART_BYTES;
        while waiting() > MOST_WAITING {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Follows the journal, and begins again when journalctl ends.
fn journal(
    mut writer: Writer,
    units: &[String],
    folder: Option<&Path>,
    mut cursor: Option<String>,
    start: Start,
) -> Result<()> {
    loop {
        let mut command = Command::new("journalctl");
        // Without --all, texts of more than 4 kB are left out.
        command.args(["--output=json", "--all", "--follow", "--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.args(folder.map(|folder| format!("--directory={}", folder.display())));
        command.args(units.iter().map(|unit| format!("--unit={unit}")));
        command.arg(match (&cursor, start) {
            (Some(cursor), _) => format!("--after-cursor={cursor}"),
            (None, Start::Beginning) => "--no-tail".to_owned(),
            (None, Start::End) => "--lines=0".to_owned(),
        });
        let mut child = command.spawn().context("journald: cannot run journalctl")?;
        let output = child.stdout.take().context("journald: journalctl has no output")?;
        writer.copy(&mut BufReader::new(output), &mut |line| {
            let entry: Option<serde_json::Value> = serde_json::from_slice(line).ok();
            if let Some(new) = entry.as_ref().and_then(|entry| entry["__CURSOR"].as_str()) {
                cursor = Some(new.to_owned());
            }
        })?;
        let status = child.wait()?;
        tell(&format!("journalctl ended ({status}), it is started again"));
        std::thread::sleep(Duration::from_secs(1));
    }
}
