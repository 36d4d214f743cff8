//! `cargo xtask faults`: makes each fault that docs/RESILIENCY.md names, against real programs, and writes down what came of it.
//!
//! A check gets a `Lab` with a server, an engine of its own behind a proxy (`proxy`), and senders whose every event is numbered
//! (`load`). It passes when nothing acknowledged is missing, nothing is stored twice and nothing is stored that was not sent,
//! and when what else it promises holds. `--long` runs the numbers of a release.

mod check;
mod database;
mod lab;
mod load;
#[path = "../../server/tests/it/harness/mail_server.rs"]
mod mail_server;
mod proxy;
#[path = "../../server/tests/it/harness/receiver.rs"]
mod receiver;
mod report;

use anyhow::{Result, ensure};
use clap::Parser;
use lab::Lab;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Debug, Parser)]
struct Options {
    /// Only these, such as `F01,F08`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The numbers of a release instead of those of a change: hours instead of minutes.
    #[arg(long)]
    long: bool,
    /// Folder with cordwood-server and cordwood-engine.
    #[arg(long)]
    programs: PathBuf,
    /// libchdb.so.
    #[arg(long)]
    library: PathBuf,
    /// A Postgres server: the address of its maintenance database, as one who may create databases.
    #[arg(long)]
    postgres: Option<String>,
    /// Writes the figures into this page.
    #[arg(long)]
    page: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let lab = Lab::new(options.programs, options.library, options.postgres, options.long)?;
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for fault in check::all() {
        if !options.only.is_empty() && !options.only.iter().any(|id| id == fault.id) {
            continue;
        }
        eprintln!("{} {} …", fault.id, fault.name);
        let begun = Instant::now();
        let outcome = (fault.run)(&lab).await;
        let took = begun.elapsed().as_secs();
        match &outcome {
            Ok(reached) => eprintln!("{} holds after {took} s: {reached}", fault.id),
            Err(error) => {
                eprintln!("{} FAILED after {took} s: {error:#}", fault.id);
                failed.push(fault.id);
            }
        }
        let reached = outcome.unwrap_or_else(|error| format!("**does not hold:** {error:#}"));
        figures.push(report::Figure { id: fault.id, name: fault.name, reached });
    }
    if let Some(page) = &options.page {
        report::write(page, &figures)?;
    }
    ensure!(failed.is_empty(), "these do not hold: {}", failed.join(", "));
    Ok(())
}
