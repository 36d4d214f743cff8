//! What comes from the system's packages: a browser, Postgres. Installed when we may, else named.

use crate::programs::{is_installed, run, say};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Makes sure that `program` can be run; `package` is its Debian name.
pub fn ensure(program_path: &[&str], package: &str) -> Result<String> {
    if let Some(found) = find(program_path) {
        return Ok(found);
    }
    if !is_installed("apt-get") || !is_root() {
        bail!("{} is needed: install it (Debian package `{package}`) and run this again", program_path[0]);
    }
    say(format!("installing {package}"));
    let quiet = ["-qq", "-o=Dpkg::Use-Pty=0"];
    run(Command::new("apt-get").arg("update").args(quiet))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "--no-install-recommends", package])
        .args(quiet)
        .env("DEBIAN_FRONTEND", "noninteractive"))?;
    find(program_path)
        .with_context(|| format!("{package} was installed, but {} is not there", program_path[0]))
}

/// Downloads packages and unpacks them into a folder, installing nothing: for programs that cannot be beside others.
pub fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    let archives = folder.join("archives");
    std::fs::create_dir_all(&archives).with_context(|| format!("cannot make {}", archives.display()))?;
    run(Command::new("apt-get").arg("download").args(packages).current_dir(&archives))?;
    for archive in std::fs::read_dir(&archives)? {
        run(Command::new("dpkg").arg("-x").arg(archive?.path()).arg(folder))?;
    }
    Ok(())
}

/// The first of the candidates that exists; a candidate with `/*/` stands for the newest version's folder.
fn find(candidates: &[&str]) -> Option<String> {
    candidates.iter().find_map(|candidate| match candidate.split_once("/*/") {
        None if candidate.contains('/') => {
            std::path::Path::new(candidate).is_file().then(|| (*candidate).to_owned())
        }
        None => is_installed(candidate).then(|| (*candidate).to_owned()),
        Some((folder, rest)) => newest_below(folder, rest),
    })
}

fn newest_below(folder: &str, rest: &str) -> Option<String> {
    let mut versions: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(|version| version.join(rest))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
}

pub fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}
