//! Measures Cordwood on this machine: `cargo xtask bench ingest`, `search`, `alerts`. Figures go to RESULTS.md with their command.
//!
//! Each run starts a server of its own in a temporary folder, on loopback, with limits lifted, and stops it afterwards.

mod alerts;
mod ingest;
mod process;
mod search;
mod server;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about = "Measures Cordwood on this machine")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Events over HTTP: rate until acknowledged and until searchable, CPU per event, peak memory, acknowledgement times.
    Ingest(ingest::Options),
    /// Times of typical searches over generated events, warm.
    Search(search::Options),
    /// Alert rules over live events: evaluations a minute, how late they are, CPU.
    Alerts(alerts::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ingest(options) => ingest::run(&options).await,
        Command::Search(options) => search::run(&options).await,
        Command::Alerts(options) => alerts::run(&options).await,
    }
}
