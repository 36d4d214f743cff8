//! `cargo xtask fuzz`: texts that grow towards code not yet seen, against the parser, the formatter and the compiler of queries.
//!
//! The compiler's own coverage is enough for that; neither a nightly compiler nor `cargo-fuzz` is needed. What is found lies in
//! `query-lang/fuzz/artifacts`, and the texts that were interesting in `query-lang/fuzz/corpus`.

use crate::programs::{self, cargo, root, say};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

const TARGETS: [&str; 3] = ["parse", "format", "compile"];
const HOST: &str = "x86_64-unknown-linux-gnu";
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions";
/// Longer ones are refused before anything else happens.
const LONGEST: &str = "4096";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this one: parse, format or compile.
    #[arg(long)]
    only: Option<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let folder = root().join("query-lang/fuzz");
    programs::run(
        cargo()
            .args(["build", "--quiet", "--release", "--bins", "--target", HOST, "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", folder.join("target")),
    )?;
    let seeds = folder.join("corpus/seeds");
    write_seeds(&seeds)?;
    for target in
        TARGETS.into_iter().filter(|target| options.only.as_deref().is_none_or(|only| only == *target))
    {
        let (found, artifacts) = (folder.join("corpus").join(target), folder.join("artifacts").join(target));
        std::fs::create_dir_all(&found)?;
        std::fs::create_dir_all(&artifacts)?;
        say(format!("{target}, {} s", options.seconds));
        programs::run(
            Command::new(folder.join("target").join(HOST).join("release").join(target))
                .arg(format!("-max_total_time={}", options.seconds))
                .args([format!("-max_len={LONGEST}"), "-timeout=5".into(), "-print_final_stats=1".into()])
                .arg(format!("-artifact_prefix={}/", artifacts.display()))
                .args([&found, &seeds])
                .current_dir(&folder),
        )?;
    }
    Ok(())
}

/// The queries of the corpus, each a file.
fn write_seeds(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let cases = std::fs::read(root().join("query-lang/tests/cases/cases.json")).context("the corpus")?;
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&cases)?;
    for (number, case) in cases.iter().enumerate() {
        std::fs::write(folder.join(number.to_string()), case["query"].as_str().unwrap_or_default())?;
    }
    Ok(())
}
