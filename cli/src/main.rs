//! `cordwood`: the command line for people and scripts.

mod demo;
mod generate;
mod send;

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
    /// Write realistic logs of a made-up shop: to standard output, a file, or a server.
    Generate(generate::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Generate(options) => generate::run(&options).await,
    }
}
