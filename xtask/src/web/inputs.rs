//! Tells whether the last build is still right: a hash over everything that goes into one.

use super::Options;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 6] = ["web", "query-lang", "event", "api-types", "alert-rules", "xtask/src"];
const FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "package-lock.json"];
const STAMP: &str = ".inputs";

/// A hash of the names and contents of all inputs, and of the kind of build.
pub fn key(root: &Path, options: &Options) -> Result<String> {
    let mut files: Vec<PathBuf> =
        FILES.iter().map(|file| root.join(file)).filter(|file| file.exists()).collect();
    for folder in FOLDERS {
        files.extend(
            files_below(&root.join(folder))?
                .into_iter()
                .filter(|file| !file.starts_with(root.join("web/dist"))),
        );
    }
    files.sort();
    let mut hash = Sha256::new();
    hash.update([u8::from(options.dev), u8::from(options.dev_pages)]);
    for file in files {
        let content = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
        hash.update(file.strip_prefix(root)?.as_os_str().as_encoded_bytes());
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    Ok(hex(&hash.finalize()))
}

pub fn is_fresh(dist: &Path, key: &str) -> bool {
    dist.join("index.html").exists() && fs::read_to_string(dist.join(STAMP)).is_ok_and(|built| built == key)
}

pub fn mark(dist: &Path, key: &str) -> Result<()> {
    fs::write(dist.join(STAMP), key).context("failed to remember the inputs of the build")
}

/// Every file below a folder, in no particular order.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
