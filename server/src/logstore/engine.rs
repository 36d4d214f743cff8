//! Starts the embedded engine, starts it again when it dies, and stops it last.
//!
//! The engine is a child process that listens on loopback with a secret made at each start. It ends by itself when
//! we go away, however that happens: its standard input closes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::LogStore;
use super::client::Endpoint;
use super::error::LogStoreError;
use crate::config::Settings;

const PROGRAM: &str = "cordwood-engine";
const LIBRARY: &str = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// An engine that lived this long has earned a quick restart.
const LONG_LIFE: Duration = Duration::from_secs(60);
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// Checks in a row that may fail before the engine is taken for hung.
const PATIENT_CHECKS: u32 = 6;

/// What the engine is started with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    pub program: PathBuf,
    pub library: PathBuf,
    pub data_dir: PathBuf,
    /// `None` lets it use half of the machine's memory.
    pub memory_bytes: Option<u64>,
}

impl EngineSettings {
    /// Finds program and library where the settings say, or else near the server.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn of(settings: &Settings) -> Result<Self, LogStoreError> {
        let memory_bytes = Some(settings.engine_memory_bytes).filter(|bytes| *bytes > 0);
        let found = Self::find(&settings.engine_program, &settings.engine_library, &settings.data_dir)?;
        Ok(Self { memory_bytes, ..found })
    }

    /// The same for an explicit program and library; an empty path is searched for.
    pub(super) fn find(program: &Path, library: &Path, data_dir: &Path) -> Result<Self, LogStoreError> {
        let beside = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned()));
        let built = beside.iter().flat_map(|folder| built(folder)).map(|folder| folder.join(PROGRAM));
        let program = found(program, built).ok_or_else(|| {
            missing("program", "engine_program", PROGRAM, "build it with `cargo build -p engine`")
        })?;
        let here = std::env::current_dir().ok();
        let folders = beside.iter().chain(here.iter()).flat_map(|folder| folder.ancestors());
        let near = beside.iter().map(|folder| folder.join("libchdb.so"));
        let library = found(library, near.chain(folders.map(|folder| folder.join(LIBRARY))))
            .ok_or_else(|| missing("library", "engine_library", "libchdb.so", "fetch it with `npm ci`"))?;
        Ok(Self { program, library, data_dir: data_dir.join("engine"), memory_bytes: None })
    }
}

/// The folder of the server; for a test, which lies in `deps`, also the one above.
fn built(folder: &Path) -> impl Iterator<Item = &Path> {
    folder.ancestors().take(2)
}

/// The configured file, or the first candidate that exists.
fn found(configured: &Path, mut candidates: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    if configured.as_os_str().is_empty() {
        candidates.find(|path| path.is_file())
    } else {
        Some(configured.to_owned()).filter(|path| path.is_file())
    }
}

fn missing(what: &str, setting: &str, name: &str, cure: &str) -> LogStoreError {
    LogStoreError::Setup(format!("the engine's {what} {name} was not found: {cure}, or set {setting}"))
}

/// The embedded engine and its watchman.
pub struct Engine {
    client: watch::Receiver<Option<clickhouse::Client>>,
    stop: CancellationToken,
    watchman: JoinHandle<()>,
}

impl Engine {
    /// Starts the engine and waits until it answers; from then on it is kept running.
    ///
    /// # Errors
    /// The first start failed.
    pub async fn start(settings: EngineSettings) -> Result<Self, LogStoreError> {
        let (publish, client) = watch::channel(None);
        let first = Running::start(&settings).await?;
        publish.send_replace(Some(first.client()));
        let stop = CancellationToken::new();
        let watchman = tokio::spawn(keep_running(settings, first, publish, stop.clone()));
        Ok(Self { client, stop, watchman })
    }

    /// A handle to this engine that survives its restarts.
    #[must_use]
    pub fn store(&self) -> LogStore {
        LogStore::new(self.client.clone())
    }

    /// Ends the engine and waits until its files are closed. Nothing must need it any more.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.watchman.await;
    }
}

async fn keep_running(
    settings: EngineSettings,
    first: Running,
    publish: watch::Sender<Option<clickhouse::Client>>,
    stop: CancellationToken,
) {
    let mut current = Some(first);
    let mut delay = FIRST_DELAY;
    loop {
        if let Some(mut running) = current.take() {
            let started = Instant::now();
            tokio::select! {
                why = running.ended() => tracing::error!("the engine ended: {why}"),
                () = stop.cancelled() => {
                    publish.send_replace(None);
                    return running.stop().await;
                }
            }
            publish.send_replace(None);
            running.kill().await;
            metrics::counter!("cordwood_engine_restarts_total").increment(1);
            if started.elapsed() > LONG_LIFE {
                delay = FIRST_DELAY;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = stop.cancelled() => return,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
        let started = tokio::select! {
            started = Running::start(&settings) => started,
            () = stop.cancelled() => return,
        };
        match started {
            Ok(running) => {
                tracing::info!("the engine runs again");
                publish.send_replace(Some(running.client()));
                current = Some(running);
            }
            Err(error) => tracing::error!(error = %error.chain(), "the engine does not start"),
        }
    }
}

/// One process of the engine. Killed when dropped.
struct Running {
    process: Child,
    /// Kept open for as long as the engine shall run; waiting for a `Child` would close it.
    stdin: Option<ChildStdin>,
    endpoint: Endpoint,
    http: reqwest::Client,
}

impl Running {
    async fn start(settings: &EngineSettings) -> Result<Self, LogStoreError> {
        let failed = |what: &str, cause: &dyn std::fmt::Display| {
            LogStoreError::unavailable(format!("{what} {}: {cause}", settings.program.display()))
        };
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut process = command(settings, &secret).spawn().map_err(|error| failed("cannot run", &error))?;
        let stdin = process.stdin.take();
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(log_lines(stderr));
        }
        let stdout = process.stdout.take().ok_or_else(|| failed("no output of", &"pipe missing"))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await;
        let line = line.map_err(|_| failed("cannot start", &"it does not become ready"))?;
        let address = match line.map_err(|error| failed("cannot start", &error))? {
            Some(line) => line.strip_prefix("listening on ").map(str::to_owned),
            None => None,
        };
        let address = address.ok_or_else(|| failed("cannot start", &"it ended; its words are in the log"))?;
        let endpoint = Endpoint {
            url: format!("http://{address}/"),
            user: "default".to_owned(),
            password: SecretString::from(secret),
            database: "default".to_owned(),
        };
        let http = reqwest::Client::builder()
            .timeout(CHECK_EVERY)
            .no_proxy()
            .build()
            .map_err(|error| failed("cannot watch", &error))?;
        Ok(Self { process, stdin, endpoint, http })
    }

    fn client(&self) -> clickhouse::Client {
        self.endpoint.client()
    }

    /// Completes when the process has ended, or does not answer any more.
    async fn ended(&mut self) -> String {
        let ping = format!("{}ping", self.endpoint.url);
        let mut failed_checks = 0;
        loop {
            tokio::select! {
                status = self.process.wait() => {
                    return status.map_or_else(|error| error.to_string(), |status| status.to_string());
                }
                () = tokio::time::sleep(CHECK_EVERY) => {}
            }
            let answered = self.http.get(&ping).send().await.is_ok_and(|answer| answer.status().is_success());
            failed_checks = if answered { 0 } else { failed_checks + 1 };
            if failed_checks == PATIENT_CHECKS {
                return format!("no answer to {PATIENT_CHECKS} checks in a row");
            }
        }
    }

    async fn kill(&mut self) {
        if let Err(error) = self.process.kill().await {
            tracing::debug!(%error, "the engine was gone already");
        }
    }

    /// Asks it to end, which closes its files; kills it when it does not.
    async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.process.wait()).await.is_err() {
            tracing::warn!("the engine does not stop, killing it");
            self.kill().await;
        }
    }
}

fn command(settings: &EngineSettings, secret: &str) -> Command {
    let mut command = Command::new(&settings.program);
    command
        .arg("--data-dir")
        .arg(&settings.data_dir)
        .arg("--library")
        .arg(&settings.library)
        .args(settings.memory_bytes.map(|bytes| format!("--max-memory={bytes}")))
        .env("CORDWOOD_ENGINE_SECRET", secret)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A Ctrl-C in the terminal is for us: the engine is stopped last.
        .process_group(0)
        .kill_on_drop(true);
    command
}

async fn log_lines(stderr: tokio::process::ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::warn!(target: "cordwood_engine", "{line}");
    }
}
