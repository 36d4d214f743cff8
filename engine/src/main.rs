//! cordwood-engine: ClickHouse in a child process, behind its own HTTP interface.
//!
//! Prints `listening on <address>` when it is ready. Ends on SIGTERM, on SIGINT, and when its standard input is
//! closed, which happens by itself when the process that started it goes away, however that ends. To run it by
//! hand in the background: `sleep infinity | cordwood-engine …`.

mod data;
mod engine;
mod error;
mod http;
mod library;
mod pieces;
mod statement;

use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use axum::serve::ListenerExt;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::library::Library;

/// The version that Cordwood is built and tested with.
const LIBRARY_VERSION: &str = "26.7.3";
const SECRET_VARIABLE: &str = "CORDWOOD_ENGINE_SECRET";
/// How long running statements may go on after the order to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long to wait for an earlier engine to let go of the data folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(20);

/// ClickHouse in one process, for Cordwood on one machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of the tables; one engine at a time uses it.
    #[arg(long)]
    data_dir: PathBuf,
    /// Address to listen on: loopback only. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Path of libchdb.so.
    #[arg(long)]
    library: PathBuf,
    /// Memory that the engine may use in all, in bytes; without it half of the machine's.
    #[arg(long)]
    max_memory: Option<u64>,
    /// Statements that run at once; inserts have two places of their own.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Statements are parsed on these threads, and ClickHouse's parser is recursive.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(arguments.listen.ip().is_loopback(), "--listen {} is not a loopback address", arguments.listen);
    let secret = std::env::var(SECRET_VARIABLE).unwrap_or_default();
    ensure!(!secret.is_empty(), "the secret is missing: set {SECRET_VARIABLE}");
    let stop = CancellationToken::new();
    stop_with_parent(stop.clone())?;
    stop_on_signals(stop.clone())?;

    let data_dir = claim_data_dir(&arguments.data_dir)?;
    let listener = TcpListener::bind(arguments.listen).await.context("failed to listen")?;
    let library = Library::load(&arguments.library)
        .with_context(|| format!("failed to load {}", arguments.library.display()))?;
    let version = library.version();
    ensure!(
        version == LIBRARY_VERSION,
        "the library is version {version}, this engine needs {LIBRARY_VERSION}"
    );
    let engine = Engine::open(library, &data_dir, arguments.max_memory, arguments.connections)?;

    let service = http::Service { engine: engine.clone(), secret: secret.into() };
    say_ready(listener.local_addr()?)?;
    serve(listener, service, engine.clone(), stop).await?;
    engine.close();
    Ok(())
}

/// Serves until told to stop; then running statements get some time, and are killed.
async fn serve(
    listener: TcpListener,
    service: http::Service,
    engine: std::sync::Arc<Engine>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let stopping = stop.clone();
    // Head and first rows of an answer are two small writes; the second must not wait for an acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server = axum::serve(listener, http::router(service)).with_graceful_shutdown(stop.cancelled_owned());
    let stopped = async {
        stopping.cancelled().await;
        engine.stop(STOP_GRACE).await;
    };
    tokio::select! {
        served = async { server.await } => served.context("the HTTP server failed"),
        () = stopped => Ok(()),
    }
}

fn say_ready(address: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {address}")?;
    Ok(stdout.flush()?)
}

/// Takes the lock of the data folder, which an engine that is just stopping may still hold. The file says our pid.
///
/// Ours is held until the process is gone: the library has a lock of its own, and gives it back only in its last moments.
fn claim_data_dir(data_dir: &std::path::Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("failed to create {}", data_dir.display()))?;
    let data_dir = data_dir.canonicalize()?;
    let path = data_dir.join("cordwood-engine.lock");
    let mut lock = File::options().create(true).truncate(false).write(true).open(path)?;
    let patience = Instant::now() + LOCK_PATIENCE;
    while let Err(error) = lock.try_lock() {
        match error {
            std::fs::TryLockError::WouldBlock if Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(100));
            }
            _ => bail!("another engine uses {}: {error}", data_dir.display()),
        }
    }
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())?;
    std::mem::forget(lock);
    let data_dir = data_dir.to_str().context("the path of the data folder is not UTF-8")?;
    Ok(data_dir.to_owned())
}

/// Stops when standard input ends. The library gets an empty one: an INSERT without data would read from it.
fn stop_with_parent(stop: CancellationToken) -> anyhow::Result<()> {
    let mut parent = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    std::thread::Builder::new().name("parent".into()).spawn(move || {
        let mut ignored = [0; 256];
        while parent.read(&mut ignored).is_ok_and(|length| length > 0) {}
        stop.cancel();
    })?;
    Ok(())
}

fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
    });
    Ok(())
}
