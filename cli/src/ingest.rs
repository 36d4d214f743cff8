//! `cordwood ingest`: sends files or standard input to a server, once, and says what was taken.

use crate::input::{Block, Blocks, Source, sources};
use crate::profile::{Connection, Profile};
use crate::send::{Sender, Shipment};
use anyhow::{Result, bail};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood ingest app.log 'old/*.log.gz' --source shop
  kubectl logs web-0 | cordwood ingest - --source web
  zcat dump.ndjson.gz | cordwood ingest -

Files may be NDJSON or any text, also compressed with gzip or zstd; stack traces are one event. Events keep their
own times. Exit status: 0 everything was accepted, 1 some events were rejected, 2 an error.")]
pub struct Options {
    /// Files, patterns such as 'logs/*.log', or - for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Source of events that do not say one.
    #[arg(long)]
    source: Option<String>,
    /// Host of events that do not say one.
    #[arg(long)]
    host: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// The server takes no larger bodies.
const MOST_BYTES: usize = 20 << 20;

pub async fn run(options: &Options) -> Result<ExitCode> {
    let Profile { server, token } = options.connection.resolve()?;
    let sources = sources(&options.files)?;
    let mut sender = Sender::new(&server, &token)?;
    let defaults = [("source", &options.source), ("host", &options.host)];
    let defaults: Vec<(&str, &str)> =
        defaults.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let mut progress = Progress::new(&sources);
    let mut blocks = Blocks::new(&sources, 0);
    let mut buffer = Vec::new();
    while let Some(block) = blocks.next(std::mem::take(&mut buffer))? {
        if block.bytes.len() > MOST_BYTES {
            bail!(
                "{}: this part is larger than a server takes ({} MiB); write an array as one object a line, as jq -c '.[]' does",
                block.origin.name,
                MOST_BYTES >> 20
            );
        }
        sender.ship(&Shipment { defaults: &defaults, ..shipment(&block) }).await?;
        progress.tell(block.bytes.len() as u64, sender.accepted);
        buffer = block.bytes;
    }
    progress.end();
    summary(&sender);
    Ok(if sender.rejected > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn shipment(block: &Block) -> Shipment<'_> {
    // Lines of text may be JSON objects too, line by line.
    let content_type = if block.is_document { "application/json" } else { "text/plain" };
    Shipment { body: &block.bytes, content_type, defaults: &[] }
}

#[allow(clippy::print_stderr, reason = "the summary is for a person")]
fn summary(sender: &Sender) {
    eprintln!("{} accepted, {} rejected", sender.accepted, sender.rejected);
    if let Some(reason) = &sender.first_reject {
        eprintln!("the first reason: {reason}");
        eprintln!("rejected events that could be read are kept under Dead letters");
    }
}

/// A bar on standard error, when that is a terminal.
struct Progress {
    total: Option<u64>,
    read: u64,
    is_shown: bool,
    last: Instant,
}

impl Progress {
    fn new(sources: &[Source]) -> Self {
        // Of what is unpacked on the way only the packed size is known.
        let total = sources.iter().map(Source::size).sum::<Option<u64>>().filter(|total| *total > 0);
        let is_shown = std::io::stderr().is_terminal();
        Self { total, read: 0, is_shown, last: Instant::now() }
    }

    #[allow(clippy::print_stderr, reason = "progress is for a person")]
    fn tell(&mut self, bytes: u64, accepted: u64) {
        self.read += bytes;
        if !self.is_shown || self.last.elapsed() < Duration::from_millis(100) {
            return;
        }
        self.last = Instant::now();
        let megabytes = self.read as f64 / 1e6;
        let share = self.total.map(|total| self.read as f64 / total as f64).filter(|share| *share <= 1.0);
        match share {
            Some(share) => {
                let full = (share * 30.0) as usize;
                let bar = format!("{}{}", "█".repeat(full), "░".repeat(30 - full));
                eprint!("\r{bar} {:3.0} %  {megabytes:.1} MB  {accepted} accepted", share * 100.0);
            }
            None => eprint!("\r{megabytes:.1} MB  {accepted} accepted"),
        }
    }

    #[allow(clippy::print_stderr, reason = "progress is for a person")]
    fn end(&self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}
