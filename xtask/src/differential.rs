//! `cargo xtask differential`: random queries over random events, each answered by the engine and by the evaluator.
//!
//! The same test runs with a few hundred pairs among all others; here are as many as somebody has time for.

use crate::programs::{self, cargo, root, say};
use crate::web;
use anyhow::Result;

const TEST: &str = "search::tests::differential";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Pairs of a query and a set of events.
    #[arg(long, default_value_t = 20_000)]
    pairs: u64,
    /// Another seed gives other queries and events; without it the clock decides.
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(options: &Options) -> Result<()> {
    web::install_node_modules(&root())?;
    let seed = options.seed.unwrap_or_else(from_clock);
    say(format!("{} pairs, --seed {seed}", options.pairs));
    programs::run(
        cargo()
            .args(["test", "--quiet", "--workspace", "--lib", TEST, "--", "--nocapture"])
            .env("CORDWOOD_DIFFERENTIAL_PAIRS", options.pairs.to_string())
            .env("CORDWOOD_DIFFERENTIAL_SEED", seed.to_string()),
    )
}

fn from_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs())
}
