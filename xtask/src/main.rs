//! Everything a developer does, in Rust: `cargo xtask web` and its siblings.

mod web;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything a developer does")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the web application into `web/dist`.
    Web(web::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Web(options) => web::build(&options).map(|_| ()),
    }
}
