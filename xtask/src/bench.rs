//! `cargo xtask bench …`: release builds, then the benchmark program against a server of its own.

use crate::programs::{self, root, target};
use crate::web;
use anyhow::Result;
use std::process::Command;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// What to measure, with its own options: `ingest --events 1000000`, `search`, `language`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    if options.arguments.first().is_some_and(|what| what == "language") {
        let wasm = web::language()?;
        return programs::run(
            Command::new("node").arg("bench/browser/measure.mjs").arg(wasm).current_dir(root()),
        );
    }
    web::install_node_modules(&root())?;
    programs::build(true)?;
    programs::run(Command::new(target().join("release/bench")).current_dir(root()).args(&options.arguments))
}
