//! Builds small libraries in C that stand between the server and its system calls (`LD_PRELOAD`).

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn build(folder: &Path, name: &str, source: &str) -> Result<PathBuf> {
    let (code, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    std::fs::write(&code, source)?;
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&code)
        .args(["-ldl", "-lpthread"])
        .status();
    ensure!(built.context("this check needs a C compiler (cc)")?.success(), "the shim {name} does not build");
    Ok(library)
}
