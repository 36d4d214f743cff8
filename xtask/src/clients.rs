//! `cargo xtask test --clients`: real clients of other products send to the real server, in their pinned versions.
//!
//! What they need is prepared once in `target/clients`: a Python environment, one folder for each version of elasticsearch-py, and
//! syslog-ng. Docker runs as a daemon of the test's own, with one container of busybox.

use crate::programs::{self, root, target};
use crate::{debian, python, web};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// With the libraries that it needs: it cannot be installed beside rsyslog.
const SYSLOG_NG: &[&str] = &["syslog-ng-core", "libivykis0", "libpcre3", "libnet1", "libwrap0"];
const ELASTICSEARCH: [&str; 3] = ["elasticsearch-7", "elasticsearch-8", "elasticsearch-9"];

pub fn run() -> Result<()> {
    debian::ensure(&["/usr/sbin/rsyslogd"], "rsyslog")?;
    debian::ensure(&["logger"], "bsdutils")?;
    debian::ensure(&["dockerd"], "docker.io")?;
    debian::ensure(&["/bin/busybox", "/usr/bin/busybox"], "busybox-static")?;
    let prepared = prepare()?;
    web::install_node_modules(&root())?;
    programs::build(false)?;
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
    let syslog_ng = folder.join("syslog-ng");
    if !syslog_ng.join("usr/sbin/syslog-ng").is_file() {
        debian::unpack(SYSLOG_NG, &syslog_ng)?;
    }
    python::once(&folder, &wanted.join("node/package-lock.json"), |_| {
        programs::run(
            Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(wanted.join("node")),
        )
    })?;
    Ok(folder)
}
