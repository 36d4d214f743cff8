//! `cargo xtask test --clients`: real clients of other products send to the real server, in their pinned versions.
//!
//! What they need is prepared once in `target/clients`: a Python environment, one folder for each version of elasticsearch-py, and
//! syslog-ng. Docker runs as a daemon of the test's own, with one container of busybox.

use crate::debian;
use crate::programs::{self, cargo, root, target};
use crate::web;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
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
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !python.exists() {
        debian::ensure(&["python3"], "python3-venv")?;
        programs::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    let pip = |requirements: &Path| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        command.arg(requirements);
        command
    };
    once(&folder, &wanted.join("python/requirements.txt"), |requirements| {
        programs::run(&mut pip(requirements))
    })?;
    for version in ELASTICSEARCH {
        once(&folder, &wanted.join(format!("python/{version}.txt")), |requirements| {
            programs::run(
                pip(requirements).args(["--no-deps", "--upgrade", "--target"]).arg(folder.join(version)),
            )
        })?;
    }
    let syslog_ng = folder.join("syslog-ng");
    if !syslog_ng.join("usr/sbin/syslog-ng").is_file() {
        debian::unpack(SYSLOG_NG, &syslog_ng)?;
    }
    once(&folder, &wanted.join("node/package-lock.json"), |_| {
        programs::run(
            Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(wanted.join("node")),
        )
    })?;
    Ok(folder)
}

/// Does the work unless it was done for the same list.
fn once(folder: &Path, list: &Path, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let text = std::fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    let done = folder.join(list.file_name().context("a list has a name")?).with_extension("done");
    let is_done = std::fs::read(&done).is_ok_and(|before| before == text);
    let is_there = !list.ends_with("package-lock.json") || list.with_file_name("node_modules").is_dir();
    if is_done && is_there {
        return Ok(());
    }
    work(list)?;
    std::fs::write(&done, text).with_context(|| format!("cannot write {}", done.display()))
}
