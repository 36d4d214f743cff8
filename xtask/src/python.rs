//! Python programs that tests need, in environments of their own below `target`.

use crate::debian;
use crate::programs;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of an environment in `folder` with what the list names; made, or brought up to date, when it must be.
pub fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !python.exists() {
        debian::ensure(&["python3"], "python3-venv")?;
        programs::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    once(folder, requirements, |requirements| programs::run(&mut pip(&python, requirements)))?;
    Ok(python)
}

/// Installs what a list names.
pub fn pip(python: &Path, requirements: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    command.arg(requirements);
    command
}

/// Does the work unless it was done for the same list.
pub fn once(folder: &Path, list: &Path, work: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
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
