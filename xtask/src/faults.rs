//! `cargo xtask faults`: builds the programs and has the checks of docs/RESILIENCY.md run against them.

use crate::postgres::Postgres;
use crate::programs::{self, root, target};
use crate::web;
use anyhow::Result;
use std::process::Command;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only these, such as `F01,F08`.
    #[arg(long)]
    only: Option<String>,
    /// The numbers of a release instead of those of a change: hours instead of minutes.
    #[arg(long)]
    long: bool,
    /// Release builds.
    #[arg(long)]
    release: bool,
    /// Writes the figures into docs/RESILIENCY.md.
    #[arg(long)]
    write: bool,
}

pub fn run(options: &Options) -> Result<()> {
    web::install_node_modules(&root())?;
    programs::build(options.release)?;
    let programs_folder = target().join(if options.release { "release" } else { "debug" });
    let mut command = Command::new(programs_folder.join("faults"));
    command.current_dir(root()).arg("--programs").arg(&programs_folder);
    command.arg("--library").arg(root().join("node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"));
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    let postgres = needs_postgres(options.only.as_deref()).then(Postgres::start).transpose()?;
    if let Some(postgres) = &postgres {
        command.args(["--postgres", &postgres.url()]);
    }
    if options.long {
        command.arg("--long");
    }
    if options.write {
        command.args(["--page", "docs/RESILIENCY.md"]);
    }
    programs::run(&mut command)
}

/// The checks of the metadata database and of several nodes.
fn needs_postgres(only: Option<&str>) -> bool {
    const ON_POSTGRES: [&str; 6] = ["F15", "F16", "F19", "F20", "F21", "F22"];
    only.is_none_or(|only| only.split(',').any(|id| ON_POSTGRES.contains(&id)))
}
