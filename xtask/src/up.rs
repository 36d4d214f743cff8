//! `cargo xtask up`: builds what has changed, runs the whole product on embedded engines, stops cleanly on Ctrl-C.

use crate::programs::{self, Running, root, say, target};
use crate::web;
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Port of the web UI and the HTTP API on 127.0.0.1.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where everything is kept between runs.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Make an account, fill it with live realistic logs, and print its login.
    #[arg(long)]
    demo: bool,
    /// Further settings for the server, after `--`.
    #[arg(last = true)]
    server: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let stop = stop_flag()?;
    web::install_node_modules(&root())?;
    web::build(&web::Options::default())?;
    say("building the server (the first time takes some minutes)");
    programs::build(true)?;
    let address = SocketAddr::from(([127, 0, 0, 1], options.port));
    let mut server = Running::start(&mut server_command(options, address))?;
    programs::wait_until_ready(&mut server, address, "/readyz", Duration::from_secs(60))
        .context("the server did not start; its log is above")?;
    say(format!("open http://{address}"));
    let demo = options.demo.then(|| start_demo(address, &options.data_dir)).transpose()?;
    wait(&mut server, &stop)?;
    drop(demo);
    let status = server.stop(Duration::from_secs(40))?;
    ensure!(status.success(), "the server ended with {status}");
    Ok(())
}

/// Set by Ctrl-C or SIGTERM.
fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let for_handler = flag.clone();
    ctrlc::set_handler(move || for_handler.store(true, Ordering::SeqCst))
        .context("cannot listen for Ctrl-C")?;
    Ok(flag)
}

fn release(program: &str) -> PathBuf {
    target().join("release").join(program)
}

fn server_command(options: &Options, address: SocketAddr) -> Command {
    let mut command = Command::new(release("cordwood-server"));
    command
        .current_dir(root())
        .args(["--listen", &address.to_string()])
        .arg("--data-dir")
        .arg(&options.data_dir)
        .args(&options.server);
    command
}

fn start_demo(address: SocketAddr, data_dir: &Path) -> Result<Running> {
    Running::start(
        Command::new(release("cordwood"))
            .current_dir(root())
            .args(["demo", "--url", &format!("http://{address}")])
            .arg("--remember")
            .arg(data_dir.join("demo-account.json")),
    )
}

fn wait(server: &mut Running, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::SeqCst) {
        if let Some(status) = server.ended()? {
            ensure!(status.success(), "the server ended with {status}; its log is above");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    say("stopping");
    Ok(())
}
