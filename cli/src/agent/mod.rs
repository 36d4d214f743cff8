//! `cordwood agent`: follows files, the journal or standard input, and sends every event once.
//!
//! Files are their own buffer: what is not acknowledged is read again. Before a batch is sent, the state says which bytes it
//! holds and its key, synced to disk; after a crash exactly these bytes are sent again under that key, and the server knows
//! them. So nothing is lost and nothing is doubled, through renaming, compression, restarts and kill -9. Files that are cut
//! (copytruncate) lose only what was written after the copy was made and cut before the agent looked.

mod config;
mod deliver;
mod files;
mod lines;
mod metrics;
mod spool;
mod state;
mod wake;

use crate::profile::Connection;
use anyhow::{Context, Result, bail};
use config::{Config, Input};
use deliver::{Delivery, Outcome};
use files::Files;
use metrics::{Metrics, tell};
use spool::Spool;
use state::{Pending, State};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use wake::Wake;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood agent --config /etc/cordwood/agent.toml
  cordwood agent '/var/log/nginx/*.log' --state ~/.cordwood-agent
  my-program 2>&1 | cordwood agent - --state /tmp/agent

A configuration:
  server = 'https://logs.example.com'
  key_file = '/etc/cordwood/key'
  metrics = '127.0.0.1:9464'

  [[source]]
  files = ['/var/log/nginx/*.log']
  name = 'nginx'
  fields = { env = 'prod' }
  filter = '-http.path:/healthz'

  [[source]]
  journald = true

See docs/agent.md for all of it.")]
pub struct Options {
    /// Files or patterns to follow, or - for standard input, instead of a configuration.
    #[arg(value_name = "FILE", conflicts_with = "config", required_unless_present = "config")]
    files: Vec<String>,
    /// Configuration, in TOML.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that remembers what was sent.
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/cordwood-agent", conflicts_with = "config")]
    state: PathBuf,
    /// Send what is there, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Bytes of a file that are read and sent together: never more events than a server takes.
const MOST_BYTES: usize = 192 << 10;
/// Batches of one file before the others have their turn.
const TURN: usize = 16;
/// An event is whole when nothing is added to it for so long.
const QUIET: Duration = Duration::from_secs(1);
const MOST_MARKS: usize = 10_000;

struct Agent {
    config: Config,
    files: Files,
    delivery: Delivery,
    metrics: Arc<Metrics>,
    spools: Vec<Option<Spool>>,
    wake: Wake,
    /// The state on disk is older than what is known.
    is_dirty: bool,
    once: bool,
    _lock: File,
}

/// What became of a look at one file.
#[derive(PartialEq, Eq)]
enum Step {
    Moved,
    Nothing,
}

pub async fn run(options: &Options) -> Result<ExitCode> {
    let connection = &options.connection;
    let config = match &options.config {
        Some(path) => Config::read(path, connection.server.clone(), connection.token.clone())?,
        None => {
            let profile = connection.resolve()?;
            let files = options.files.clone();
            Config::of_files(files, options.state.clone(), Some(profile.server), Some(profile.token))?
        }
    };
    let mut agent = Agent::start(config, options.once)?;
    if let Some(address) = agent.config.metrics {
        agent.metrics.serve(address).await?;
    }
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        ended = agent.follow() => ended?,
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    agent.save()?;
    Ok(ExitCode::SUCCESS)
}

impl Agent {
    fn start(config: Config, once: bool) -> Result<Self> {
        let folder = &config.state;
        std::fs::create_dir_all(folder).with_context(|| {
            format!("cannot make {}; choose another with state or --state", folder.display())
        })?;
        let lock = locked(folder)?;
        let known = State::read(folder)?;
        let is_settled = known.is_some();
        let files = Files::of(known.unwrap_or_default().marks, &config.sources, is_settled);
        let metrics = Arc::new(Metrics::default());
        let delivery = Delivery::new(&config.server, &config.key, Arc::clone(&metrics))?;
        let spools = config.sources.iter().enumerate();
        let spools: Result<Vec<Option<Spool>>> = spools
            .map(|(index, source)| match &source.input {
                Input::Files { .. } => Ok(None),
                input => Spool::start(&folder.join("spool"), index, input, source.start).map(Some),
            })
            .collect();
        let spools = spools?;
        let wake = Wake::new();
        Ok(Self { config, files, delivery, metrics, spools, wake, is_dirty: true, once, _lock: lock })
    }

    /// Until there is nothing more to come.
    async fn follow(&mut self) -> Result<()> {
        loop {
            self.look();
            let mut has_moved = false;
            for index in 0..self.files.followed.len() {
                for _ in 0..TURN {
                    if self.step(index).await? == Step::Nothing {
                        break;
                    }
                    has_moved = true;
                }
            }
            self.clear_spools()?;
            count(&self.files, &self.metrics);
            if has_moved {
                continue;
            }
            if self.is_dirty {
                self.save()?;
            }
            if self.is_over() {
                return Ok(());
            }
            self.wake.watch(self.files.followed.iter().map(|followed| followed.mark.path.as_path()));
            self.wake.watch(patterns(&self.config).map(Path::new));
            self.wake.wait().await;
        }
    }

    fn look(&mut self) {
        self.files.look(&self.config.sources);
        for (index, spool) in self.spools.iter().enumerate() {
            let Some(spool) = spool else { continue };
            for (_, path) in spool.parts() {
                self.files.look_at(&path, index, &self.config.sources[index]);
            }
        }
        self.files.forget(MOST_MARKS);
    }

    /// Nothing waits, and nothing more will come.
    fn is_over(&self) -> bool {
        let streams_are_over =
            self.spools.iter().flatten().all(|spool| spool.is_over() && spool.parts().is_empty());
        let has_streams = self.spools.iter().any(Option::is_some);
        let has_files = self.spools.iter().any(Option::is_none);
        let files_are_read = self.files.followed.iter().all(|followed| !followed.may_have_more());
        streams_are_over && files_are_read && (self.once || (has_streams && !has_files))
    }

    /// Reads and sends one batch of a file.
    async fn step(&mut self, index: usize) -> Result<Step> {
        let followed = &mut self.files.followed[index];
        let source = &self.config.sources[followed.source];
        let is_complete = self.spools[followed.source]
            .as_ref()
            .is_some_and(|spool| is_complete(spool, &followed.mark.path));
        let is_left = followed.is_left() || is_complete || (self.once && followed.is_quiet(QUIET));
        if !followed.may_have_more() {
            if is_left && !followed.mark.is_done && !self.once {
                followed.finish();
                self.is_dirty = true;
            }
            return Ok(Step::Nothing);
        }
        let from = followed.mark.offset;
        let most = followed.mark.pending.as_ref().map_or(MOST_BYTES, |pending| (pending.end - from) as usize);
        // A file that cannot be read now is looked at again.
        let Ok(Some(bytes)) = followed.read(from, most) else { return Ok(Step::Nothing) };
        let end = match &followed.mark.pending {
            Some(pending) if (bytes.len() as u64) < pending.end - from => return Ok(Step::Nothing),
            Some(_) => bytes.len(),
            None => {
                let is_full = bytes.len() >= MOST_BYTES;
                let is_quiet = followed.is_quiet(QUIET) || is_left;
                match lines::whole(&bytes, source, is_quiet) {
                    0 if is_full || (is_left && !bytes.is_empty()) => bytes.len(),
                    0 if is_left => {
                        followed.finish();
                        self.is_dirty = true;
                        return Ok(Step::Nothing);
                    }
                    0 => return Ok(Step::Nothing),
                    end => end,
                }
            }
        };
        let batch = lines::batch(&bytes[..end], source, &followed.mark.found_as);
        self.metrics.filtered.fetch_add(batch.filtered, Relaxed);
        let to = from + end as u64;
        let place = match batch.body.is_empty() {
            true => Some(index),
            false => self.deliver(index, to, &batch).await?,
        };
        if let Some(place) = place {
            let mark = &mut self.files.followed[place].mark;
            mark.offset = to;
            mark.pending = None;
        }
        self.is_dirty = true;
        self.metrics.bytes.fetch_add(end as u64, Relaxed);
        Ok(Step::Moved)
    }

    /// Comes back when the server has the batch, or will never take it, and says where the file has its place then.
    async fn deliver(&mut self, index: usize, end: u64, batch: &lines::Batch) -> Result<Option<usize>> {
        let mark = &mut self.files.followed[index].mark;
        let key = match &mark.pending {
            Some(pending) => pending.key.clone(),
            None => {
                let key = format!("agent-{:032x}", rand::random::<u128>());
                mark.pending = Some(Pending { end, key: key.clone() });
                self.save()?;
                key
            }
        };
        match self.sent(index, &batch.body, &key).await? {
            Outcome::Taken { rejected } => {
                self.metrics.events.fetch_add(batch.events - rejected.min(batch.events), Relaxed);
                self.metrics.rejected.fetch_add(rejected, Relaxed);
                self.metrics.batches.fetch_add(1, Relaxed);
            }
            Outcome::Refused(why) => {
                self.metrics.refused.fetch_add(1, Relaxed);
                self.set_aside(&key, &batch.body, &why)?;
            }
        }
        let is_it = |followed: &files::Followed| {
            followed.mark.pending.as_ref().is_some_and(|pending| pending.key == key)
        };
        Ok(self.files.followed.iter().position(is_it))
    }

    /// While a server is away, what happens to the files is still looked at: what is deleted meanwhile stays open and is sent later.
    async fn sent(&mut self, index: usize, body: &[u8], key: &str) -> Result<Outcome> {
        let Self { config, files, delivery, metrics, .. } = self;
        let source = &config.sources[files.followed[index].source];
        let mut defaults = vec![("host", config.host.as_str())];
        defaults.extend(source.name.as_deref().map(|name| ("source", name)));
        let mut sending = std::pin::pin!(delivery.send(body, key, &defaults));
        loop {
            tokio::select! {
                outcome = &mut sending => return outcome,
                () = tokio::time::sleep(QUIET) => {
                    files.look(&config.sources);
                    files.hold();
                    count(files, metrics);
                }
            }
        }
    }

    /// What the server will never take is kept, so that it is not lost and does not hold up the rest.
    fn set_aside(&self, key: &str, body: &[u8], why: &str) -> Result<()> {
        let folder = self.config.state.join("refused");
        let path = folder.join(format!("{key}.ndjson"));
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, body))
            .with_context(|| format!("cannot write {}", path.display()))?;
        tell(&format!("the server refused a batch, which is kept in {}: {why}", path.display()));
        Ok(())
    }

    /// Deletes parts of streams that are acknowledged.
    fn clear_spools(&mut self) -> Result<()> {
        for spool in self.spools.iter().flatten() {
            for (number, path) in spool.parts() {
                let place = self.files.followed.iter().position(|followed| followed.mark.path == path);
                let is_read = place.is_none_or(|place| self.files.followed[place].mark.is_done);
                let is_empty = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
                if spool.is_complete(number) && (is_empty || (place.is_some() && is_read)) {
                    spool.delete(&path)?;
                    place.map(|place| self.files.followed.remove(place));
                    self.is_dirty = true;
                }
            }
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        state::write(&self.config.state, self.files.followed.iter().map(|followed| &followed.mark))?;
        self.is_dirty = false;
        Ok(())
    }
}

fn count(files: &Files, metrics: &Metrics) {
    metrics.files.store(files.followed.len() as u64, Relaxed);
    metrics.waiting_bytes.store(files.followed.iter().map(files::Followed::waiting).sum(), Relaxed);
    metrics.lost_bytes.store(files.lost_bytes, Relaxed);
}

/// The patterns under which files may appear.
fn patterns(config: &Config) -> impl Iterator<Item = &String> {
    config.sources.iter().flat_map(|source| match &source.input {
        Input::Files { patterns, .. } => patterns.as_slice(),
        _ => &[],
    })
}

/// Whether nothing will be added to this part of a stream.
fn is_complete(spool: &Spool, path: &Path) -> bool {
    spool
        .parts()
        .into_iter()
        .find(|(_, part)| part == path)
        .is_some_and(|(number, _)| spool.is_complete(number))
}

/// Two agents with one state would send everything twice.
fn locked(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("another agent uses {}; give this one its own with state or --state", folder.display())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).context("cannot lock the state"),
    }
}
