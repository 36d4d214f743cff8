//! Says early that something was written, by inotify. The regular look stays the truth: inotify forgets when much happens, and
//! knows nothing of network folders.

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

/// Between two looks, so that many small writes are one batch.
const SHORTEST: Duration = Duration::from_millis(250);
/// Without a sign.
const LONGEST: Duration = Duration::from_secs(1);

pub struct Wake {
    /// Nothing where there is no inotify, or no more of it.
    signs: Option<AsyncFd<OwnedFd>>,
    watched: HashSet<PathBuf>,
    looked_at: Instant,
}

impl Wake {
    pub fn new() -> Self {
        let signs = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok();
        let signs = signs.and_then(|signs| AsyncFd::register(signs).ok());
        Self { signs, watched: HashSet::new(), looked_at: Instant::now() }
    }

    /// Watches the folders of these files too.
    pub fn watch<'p>(&mut self, files: impl Iterator<Item = &'p Path>) {
        let Some(signs) = &self.signs else { return };
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        for folder in files.filter_map(Path::parent) {
            // A folder that is gone is watched again when it comes back.
            if !self.watched.contains(folder) && inotify::add_watch(signs, folder, flags).is_ok() {
                self.watched.insert(folder.to_owned());
            }
        }
    }

    /// Until it is worth looking.
    pub async fn wait(&mut self) {
        let since = self.looked_at.elapsed();
        tokio::time::sleep(SHORTEST.saturating_sub(since)).await;
        if let Some(signs) = &self.signs
            && let Ok(Ok(mut ready)) =
                tokio::time::timeout(LONGEST.saturating_sub(SHORTEST), signs.readable()).await
        {
            drain(signs.get_ref());
            ready.clear_ready();
        }
        self.looked_at = Instant::now();
    }
}

/// What exactly happened is found by looking.
fn drain(signs: &OwnedFd) {
    let mut buffer = [0; 4096];
    while rustix::io::read(signs, &mut buffer).is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_wakes_before_the_regular_look() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("app.log");
        let mut wake = Wake::new();
        wake.watch(std::iter::once(file.as_path()));
        if wake.watched.is_empty() {
            return; // a machine without inotify
        }
        std::fs::write(&file, "a line\n").expect("writable");
        // The sign waits in the queue, so this is about the order of things and not about time.
        let signs = wake.signs.as_ref().expect("it watches");
        drop(signs.readable().await.expect("a sign"));
        wake.wait().await;
        let signs = wake.signs.as_ref().expect("it watches");
        assert!(tokio::time::timeout(Duration::ZERO, signs.readable()).await.is_err(), "all signs are taken");
    }
}
