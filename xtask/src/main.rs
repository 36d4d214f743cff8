//! Everything a developer does, in Rust: `cargo xtask up | test | web | check | differential | schemathesis | bench | faults`.

mod bench;
mod check;
mod clients;
mod debian;
mod differential;
mod faults;
mod postgres;
mod programs;
mod python;
mod schemathesis;
mod test;
mod up;
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
    /// Builds everything and runs it on embedded engines, until Ctrl-C.
    Up(up::Options),
    /// Passes all tests: unit, integration on SQLite and Postgres, engine, WebAssembly, browser.
    Test(test::Options),
    /// Builds the web application into `web/dist`.
    Web(web::Options),
    /// The fast half of the tests: formatting, lints, licences.
    Check,
    /// Compares the evaluator with the engine on many random queries over random events.
    Differential(differential::Options),
    /// Measures; results belong into bench/RESULTS.md.
    Bench(bench::Options),
    /// Asks a running server everything that its OpenAPI document allows; by the schemathesis of `xtask/schemathesis`.
    Schemathesis(schemathesis::Options),
    /// Makes the faults of docs/RESILIENCY.md and checks what becomes of them.
    Faults(faults::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Up(options) => up::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Web(options) => web::build(&options).map(|_| ()),
        Command::Check => check::run(),
        Command::Differential(options) => differential::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Schemathesis(options) => schemathesis::run(&options),
        Command::Faults(options) => faults::run(&options),
    }
}
