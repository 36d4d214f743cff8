//! `cargo xtask test --clients`: real clients of other products send to the real server, in their pinned versions.
//!
//! What they need is prepared once in `target/clients`: a Python environment, and one folder for each version of elasticsearch-py.

use crate::programs::{self, cargo, root, target};
use crate::{debian, python, web};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

const ELASTICSEARCH: [&str; 3] = ["elasticsearch-7", "elasticsearch-8", "elasticsearch-9"];

pub fn run() -> Result<()> {
    debian::ensure(&["/usr/sbin/rsyslogd"], "rsyslog")?;
    debian::ensure(&["logger"], "bsdutils")?;
    let prepared = prepare()?;
    web::install_node_modules(&root())?;
    programs::run(cargo().args(["build", "--quiet", "--package=cordwood-server", "--package=engine"]))?;
    programs::run(
        Command::new("node")
            .current_dir(root())
            .args(["--test", "--test-reporter=spec", "clients/"])
            .env("CORDWOOD_CLIENTS", prepared)
            .env("CORDWOOD_PROGRAMS", target().join("debug")),
    )
}

/// Installs what is not there yet, or not in the versions that are asked for now.
fn prepare() -> Result<PathBuf> {
    let (folder, wanted) = (target().join("clients"), root().join("clients"));
    let python = python::environment(&folder, &wanted.join("python/requirements.txt"))?;
    for version in ELASTICSEARCH {
        python::once(&folder, &wanted.join(format!("python/{version}.txt")), |requirements| {
            programs::run(
                python::pip(&python, requirements)
                    .args(["--no-deps", "--upgrade", "--target"])
                    .arg(folder.join(version)),
            )
        })?;
    }
    python::once(&folder, &wanted.join("node/package-lock.json"), |_| {
        programs::run(
            Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(wanted.join("node")),
        )
    })?;
    Ok(folder)
}
