//! `cordwood generate`: as many realistic events as one asks for, at the pace one asks for.
//!
//! Event times go on at the given rate from the given start. Those that lie in the past are written at once, those
//! in the future when their time has come: so a start in the past fills a history and then goes on live.

use crate::send::Sender;
use ::generate::{Generator, Part, Profile};
use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood generate --count 5
  cordwood generate --rate 100000 --start 1h --count 1000000 -o events.ndjson.gz
  cordwood generate --rate 50 --start 2h --server http://localhost:8080 --key cwi_…
  cordwood generate --only payments --for 10m | jq .message

The same seed, start, rate and count give the same bytes. The shop has an incident from minute 40 to 44 of every
hour, and its search slows down over each day; names, addresses and card numbers are invented.")]
pub struct Options {
    /// Events per second of event time.
    #[arg(long, default_value_t = 100.0, value_parser = positive)]
    rate: f64,
    /// End after this many events.
    #[arg(long)]
    count: Option<u64>,
    /// End after this much event time, such as 90s, 10m or 2h30m. Without --count and --for it goes on until it is stopped.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    span: Option<Duration>,
    /// Time of the first event: so long ago (2h), or a moment (2026-03-10T10:00:00Z). Default: now.
    #[arg(long, value_parser = moment)]
    start: Option<Timestamp>,
    /// Another seed gives other events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only what one part of the shop writes: web, payments, auth, worker, database, kubernetes.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// No incidents.
    #[arg(long)]
    calm: bool,
    /// No mail addresses and card numbers in messages.
    #[arg(long)]
    no_personal_data: bool,
    /// Write to this file; a name that ends with .gz is compressed.
    #[arg(short, long, value_name = "FILE", conflicts_with = "server")]
    output: Option<PathBuf>,
    /// Compress what goes to standard output or the file.
    #[arg(long, conflicts_with = "server")]
    gzip: bool,
    /// Send to this server, such as http://localhost:8080.
    #[arg(long, value_name = "URL", requires = "key")]
    server: Option<String>,
    /// API key that may ingest.
    #[arg(long, env = "CORDWOOD_API_KEY", hide_env_values = true)]
    key: Option<String>,
}

/// A request, or a write, holds at most this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// Live events are handed on this often.
const TICK: Duration = Duration::from_millis(100);

pub async fn run(options: &Options) -> Result<()> {
    let mut target = Target::open(options)?;
    let started = Instant::now();
    let mut pace = Pace::new(options);
    let profile =
        Profile { incidents: !options.calm, personal_data: !options.no_personal_data, only: options.only };
    let mut generator = Generator::new(options.seed, profile);
    let mut batch = Vec::with_capacity(BATCH_BYTES + 4_096);
    loop {
        let now_ns = now_ns();
        while let Some(at_ns) = pace.next_until(now_ns) {
            generator.write_event(at_ns, &mut batch);
            batch.push(b'\n');
            if batch.len() >= BATCH_BYTES {
                break;
            }
        }
        let is_behind = batch.len() >= BATCH_BYTES;
        if !batch.is_empty() && !target.write(&batch).await? {
            return Ok(());
        }
        batch.clear();
        if pace.is_over() {
            break;
        }
        if !is_behind {
            tokio::time::sleep(TICK).await;
        }
    }
    target.finish(pace.written, started.elapsed())
}

/// Which event is next, and when.
struct Pace {
    start_ns: i64,
    step_ns: f64,
    written: u64,
    end: u64,
}

impl Pace {
    fn new(options: &Options) -> Self {
        let of_span = options.span.map(|span| (span.as_secs_f64() * options.rate).round() as u64);
        Self {
            start_ns: options.start.map_or_else(now_ns, |start| start.as_nanosecond() as i64),
            step_ns: 1e9 / options.rate,
            written: 0,
            end: options.count.unwrap_or(u64::MAX).min(of_span.unwrap_or(u64::MAX)),
        }
    }

    /// The time of the next event, if it has come.
    fn next_until(&mut self, now_ns: i64) -> Option<i64> {
        let at_ns = self.start_ns.saturating_add((self.written as f64 * self.step_ns) as i64);
        let is_due = self.written < self.end && at_ns <= now_ns;
        self.written += u64::from(is_due);
        is_due.then_some(at_ns)
    }

    fn is_over(&self) -> bool {
        self.written >= self.end
    }
}

enum Target {
    Plain(Box<dyn Write>),
    Gzip(GzEncoder<Box<dyn Write>>),
    Server(Box<Sender>),
}

impl Target {
    fn open(options: &Options) -> Result<Self> {
        if let (Some(server), Some(key)) = (&options.server, &options.key) {
            return Ok(Self::Server(Box::new(Sender::new(server, key)?)));
        }
        let plain: Box<dyn Write> = match &options.output {
            Some(path) => Box::new(create(path)?),
            None => Box::new(std::io::stdout().lock()),
        };
        let named_gz =
            options.output.as_ref().is_some_and(|path| path.extension().is_some_and(|end| end == "gz"));
        Ok(match options.gzip || named_gz {
            true => Self::Gzip(GzEncoder::new(plain, Compression::fast())),
            false => Self::Plain(plain),
        })
    }

    /// False when nobody reads any more, as behind `| head`.
    async fn write(&mut self, lines: &[u8]) -> Result<bool> {
        let written = match self {
            Self::Server(sender) => return sender.send(lines).await.map(|()| true),
            Self::Plain(stream) => stream.write_all(lines).and_then(|()| stream.flush()),
            Self::Gzip(stream) => stream.write_all(lines),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true).context("cannot write the events"),
        }
    }

    #[allow(clippy::print_stderr, reason = "the summary is for a person; the events have standard output")]
    fn finish(self, written: u64, took: Duration) -> Result<()> {
        let sender = match self {
            Self::Server(sender) => sender,
            Self::Plain(_) => return Ok(()),
            Self::Gzip(stream) => {
                return stream
                    .finish()
                    .and_then(|mut plain| plain.flush())
                    .context("cannot write the events");
            }
        };
        let rate = written as f64 / took.as_secs_f64().max(1e-3);
        eprintln!("{} accepted, {} rejected, {rate:.0} events/s", sender.accepted, sender.rejected);
        match sender.first_reject {
            Some(reason) => bail!("{} events were rejected, the first one: {reason}", sender.rejected),
            None => Ok(()),
        }
    }
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn positive(text: &str) -> Result<f64> {
    let rate: f64 = text.parse().context("not a number")?;
    ensure!(rate.is_finite() && rate > 0.0, "it has to be more than 0");
    Ok(rate)
}

fn duration(text: &str) -> Result<Duration> {
    let duration: SignedDuration = text.parse().context("write it like 90s, 10m or 2h30m")?;
    Ok(Duration::try_from(duration)?)
}

fn moment(text: &str) -> Result<Timestamp> {
    if let Ok(ago) = duration(text) {
        return Ok(Timestamp::now().checked_sub(SignedDuration::try_from(ago)?)?);
    }
    text.parse().context("write it like 2h, or like 2026-03-10T10:00:00Z")
}

fn now_ns() -> i64 {
    Timestamp::now().as_nanosecond() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &str) -> Options {
        Cli::try_parse_from(["x"].into_iter().chain(arguments.split(' '))).unwrap().options
    }

    async fn file_of(arguments: &str, name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        run(&options(&format!("{arguments} -o {}", path.display()))).await.unwrap();
        std::fs::read(path).unwrap()
    }

    #[tokio::test]
    async fn a_count_of_events_goes_to_a_file_and_the_same_again_gives_the_same_bytes() {
        let arguments = "--start 2026-03-10T10:00:00Z --rate 10 --count 5000";
        let plain = file_of(arguments, "events.ndjson").await;
        let lines: Vec<_> = std::str::from_utf8(&plain).unwrap().lines().collect();
        assert_eq!(lines.len(), 5_000);
        assert!(
            lines[0].contains("2026-03-10T10:00:00.000000000Z") && lines[1].contains("10:00:00.100000000Z")
        );

        let mut unpacked = Vec::new();
        let packed = file_of(arguments, "events.ndjson.gz").await;
        std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
        assert!(unpacked == plain && packed.len() < plain.len() / 3);
    }

    #[tokio::test]
    async fn it_ends_after_the_span_or_the_count_whichever_comes_first() {
        let lines =
            async |arguments| file_of(arguments, "x").await.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines("--start 1h --rate 2 --for 90s").await, 180);
        assert_eq!(lines("--start 1h --rate 2 --for 90s --count 7").await, 7);
        assert_eq!(lines("--start 1h --rate 0.5 --for 1m --only auth").await, 30);
    }

    #[test]
    fn events_of_the_future_wait_for_their_time() {
        let mut pace = Pace::new(&options("--start 2026-03-10T10:00:00Z --rate 4 --count 3"));
        let start = pace.start_ns;
        assert_eq!(pace.next_until(start - 1), None);
        assert_eq!(pace.next_until(start), Some(start));
        assert_eq!(pace.next_until(start), None);
        assert_eq!(pace.next_until(start + 1_000_000_000), Some(start + 250_000_000));
        assert_eq!(pace.next_until(start + 1_000_000_000), Some(start + 500_000_000));
        assert!(pace.next_until(i64::MAX).is_none() && pace.is_over());
    }

    #[test]
    fn wrong_options_are_told() {
        for arguments in
            ["--rate 0", "--rate x", "--for ever", "--start soon", "--only shop", "--server http://x"]
        {
            assert!(
                Cli::try_parse_from(["x"].into_iter().chain(arguments.split(' '))).is_err(),
                "{arguments}"
            );
        }
    }
}
