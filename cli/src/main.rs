//! `cordwood`: the command line for people and scripts.

mod demo;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cordwood", version, about = "Cordwood from the command line")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account, fill it with two hours of realistic logs, and keep them coming.
    Demo(demo::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options).await,
    }
}
