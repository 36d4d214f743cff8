//! Damaged bytes are kept for a person to look at, in `quarantine/` beside the segments; nothing here is ever read back.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{Files, read_range};
use crate::recover::Damage;

fn target(files: &dyn Files, folder: &Path, name: &str) -> io::Result<PathBuf> {
    let quarantine = folder.join("quarantine");
    files.prepare_folder(&quarantine)?;
    Ok(quarantine.join(name))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Copies a damaged stretch; the copy is on disk when this returns. Copying it again replaces the copy.
pub(crate) fn copy(files: &dyn Files, folder: &Path, damage: &Damage) -> io::Result<()> {
    let name = format!("{}.{}-{}", name_of(&damage.file), damage.bytes.start, damage.bytes.end);
    let target = target(files, folder, &name)?;
    let bytes = read_range(&*files.open(&damage.file)?, damage.bytes.start, damage.bytes.end)?;
    let copy = files.create(&target, 0)?;
    copy.write_at(&bytes, 0)?;
    copy.sync()?;
    files.sync_folder(&folder.join("quarantine"))
}

/// Moves a file away whole.
pub(crate) fn take(files: &dyn Files, folder: &Path, path: &Path) -> io::Result<()> {
    files.rename(path, &target(files, folder, &name_of(path))?)
}
