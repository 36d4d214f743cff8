//! Says early that something was written, by inotify. The regular look stays the truth: inotify forgets when much happens, and
//! knows nothing of network folders.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Between two looks, so that many small writes are one batch.
const SHORTEST: Duration = Duration::from_millis(250);
/// Without a sign.
const LONGEST: Duration = Duration::from_secs(1);
/// Between two signs: a program that writes all the time is no reason to wake for each line.
const REST: Duration = Duration::from_millis(100);

pub struct Wake {
    /// Nothing where there is no inotify, or no more of it.
    signs: Option<Arc<OwnedFd>>,
    bell: Arc<Notify>,
    watched: HashSet<PathBuf>,
    looked_at: Instant,
}

impl Wake {
    pub fn new() -> Self {
        let signs = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok().map(Arc::new);
        let bell = Arc::new(Notify::new());
        if let Some(signs) = &signs {
            let (signs, bell) = (Arc::clone(signs), Arc::clone(&bell));
            // Ends with the process.
            std::thread::spawn(move || listen(&signs, &bell));
        }
        Self { signs, bell, watched: HashSet::new(), looked_at: Instant::now() }
    }

    /// Watches the folders of these files too.
    pub fn watch<'p>(&mut self, files: impl Iterator<Item = &'p Path>) {
        let Some(signs) = &self.signs else { return };
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        for folder in files.filter_map(Path::parent) {
            // One that is not there yet is tried again.
            if !self.watched.contains(folder) && inotify::add_watch(&**signs, folder, flags).is_ok() {
                self.watched.insert(folder.to_owned());
            }
        }
    }

    /// Until it is worth looking.
    pub async fn wait(&mut self) {
        tokio::time::sleep(SHORTEST.saturating_sub(self.looked_at.elapsed())).await;
        // Without a sign the time is up at some point.
        let _ = tokio::time::timeout(LONGEST.saturating_sub(SHORTEST), self.bell.notified()).await;
        self.looked_at = Instant::now();
    }
}

/// What exactly happened is found by looking.
fn listen(signs: &OwnedFd, bell: &Notify) {
    let mut buffer = [0; 4096];
    while let Ok(_) | Err(Errno::INTR) = poll(&mut [PollFd::new(signs, PollFlags::IN)], None) {
        while rustix::io::read(signs, &mut buffer).is_ok_and(|read| read > 0) {}
        bell.notify_one();
        std::thread::sleep(REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_rings() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("app.log");
        let mut wake = Wake::new();
        wake.watch(std::iter::once(file.as_path()));
        if wake.watched.is_empty() {
            return; // a machine without inotify
        }
        std::fs::write(&file, "a line\n").expect("writable");
        wake.bell.notified().await;
        wake.wait().await;
    }
}
