//! `cordwood export`: all rows of a query as one file, written while it is read.
//!
//! A file has its name only when it is whole: until then it is called `….part`.

use crate::client::{Client, point_out};
use crate::profile::Connection;
use crate::query::{RangeOptions, request};
use anyhow::{Context, Result, bail};
use api_types::events::{ExportFormat, ExportRequest};
use reqwest::Method;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood export 'level>=error' --last 7d -o errors.parquet
  cordwood export 'source:payments | fields timestamp, message' --from 2026-03-01 --to 2026-04-01 -o march.csv
  cordwood export '* | stats count() by source' --last 30d -o sources.csv
  cordwood export 'user.id:u-17' --last 90d | gzip > u-17.ndjson.gz

Up to 10,000,000 rows; the server does the work and memory stays small. With fewer rows, or to see them, `cordwood query`.")]
pub struct Options {
    /// What to export, such as 'level:error | fields timestamp, message'.
    query: String,
    /// Write to this file. Default: standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Form of the file. Default: told by the end of its name, else ndjson.
    #[arg(short, long, value_enum)]
    format: Option<Format>,
    /// Only the first so many rows.
    #[arg(short = 'n', long, value_name = "ROWS")]
    limit: Option<u64>,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
    /// Id of the project on the server. Default: the one of the key.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    #[command(flatten)]
    range: RangeOptions,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated, with a header.
    Csv,
    /// Apache Parquet, for data frames and warehouses.
    Parquet,
}

pub async fn run(options: &Options) -> Result<()> {
    let format = options.format.unwrap_or_else(|| told_by(options.output.as_deref()));
    if format == Format::Parquet && options.output.is_none() && std::io::stdout().is_terminal() {
        bail!("a Parquet file is nothing to read; name one with --output");
    }
    if let Some(path) = options.output.as_ref().filter(|path| path.exists() && !options.force) {
        bail!("{} is there already; use --force to overwrite it", path.display());
    }
    let client = Client::new(options.connection.resolve()?)?;
    let search = request(&options.query, &options.range, options.project.clone())?;
    let body = ExportRequest {
        project_id: search.project_id,
        query: search.query,
        from: search.from,
        to: search.to,
        tz: search.tz,
        now: search.now,
        format: match format {
            Format::Ndjson => ExportFormat::Ndjson,
            Format::Csv => ExportFormat::Csv,
            Format::Parquet => ExportFormat::Parquet,
        },
        limit: options.limit,
    };
    let asked = client.request(Method::POST, "/api/v1/logs/export").json(&body);
    let mut answer = client.answer(asked).await.map_err(|error| point_out(error, &options.query))?;
    let rows = answer.headers().get("x-cordwood-rows").and_then(|rows| rows.to_str().ok()?.parse().ok());
    let mut target = Target::open(options.output.as_deref())?;
    let mut progress = Progress::new(rows, options.output.is_some());
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => {
                if !target.write(&piece)? {
                    return Ok(());
                }
                progress.tell(&piece, format);
            }
            Ok(None) => break,
            Err(error) => {
                bail!("the server broke the file off after {} bytes: {error}", target.written)
            }
        }
    }
    let written = target.written;
    target.finish()?;
    progress.end(written);
    Ok(())
}

fn told_by(path: Option<&Path>) -> Format {
    match path.and_then(Path::extension).and_then(|end| end.to_str()) {
        Some("csv") => Format::Csv,
        Some("parquet") => Format::Parquet,
        _ => Format::Ndjson,
    }
}

struct Target {
    out: BufWriter<Box<dyn Write>>,
    /// What the file is called until it is whole, and after.
    names: Option<(PathBuf, PathBuf)>,
    written: u64,
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Self> {
        let (out, names): (Box<dyn Write>, _) = match path {
            None => (Box::new(std::io::stdout().lock()), None),
            Some(path) => {
                let mut part = path.as_os_str().to_owned();
                part.push(".part");
                let part = PathBuf::from(part);
                let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
                (Box::new(file), Some((part, path.to_owned())))
            }
        };
        Ok(Self { out: BufWriter::with_capacity(1 << 20, out), names, written: 0 })
    }

    /// False when nobody reads any more, as behind `| head`.
    fn write(&mut self, piece: &[u8]) -> Result<bool> {
        self.written += piece.len() as u64;
        ended(self.out.write_all(piece))
    }

    fn finish(mut self) -> Result<()> {
        if !ended(self.out.flush())? {
            return Ok(());
        }
        if let Some((part, path)) = self.names {
            drop(self.out);
            File::open(&part)
                .and_then(|file| file.sync_all())
                .and_then(|()| std::fs::rename(&part, &path))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

fn ended(written: std::io::Result<()>) -> Result<bool> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("cannot write the export"),
    }
}

/// How far it is, on standard error: moving on a terminal, one line at the end when a file was written.
struct Progress {
    total: Option<u64>,
    rows: u64,
    bytes: u64,
    is_shown: bool,
    has_summary: bool,
    last: Instant,
}

impl Progress {
    fn new(total: Option<u64>, has_summary: bool) -> Self {
        let is_shown = has_summary && std::io::stderr().is_terminal();
        Self { total, rows: 0, bytes: 0, is_shown, has_summary, last: Instant::now() }
    }

    #[allow(clippy::print_stderr, reason = "progress is for a person")]
    fn tell(&mut self, piece: &[u8], format: Format) {
        self.bytes += piece.len() as u64;
        if format != Format::Parquet {
            self.rows += memchr::memchr_iter(b'\n', piece).count() as u64;
        }
        if !self.is_shown || self.last.elapsed() < Duration::from_millis(100) {
            return;
        }
        self.last = Instant::now();
        let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        eprint!("\r{} rows{of}, {:.1} MB", self.rows, self.bytes as f64 / 1e6);
    }

    #[allow(clippy::print_stderr, reason = "the summary is for a person; the rows have standard output")]
    fn end(&self, written: u64) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
        if self.has_summary {
            let rows = self.total.map(|rows| format!("{rows} rows, ")).unwrap_or_default();
            eprintln!("{rows}{written} bytes");
        }
    }
}
