//! One token that everything listens to, and the tracker of background tasks that are waited for.

use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Clone it into whatever must stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Runs a background task that must end soon after `token` is cancelled; the stop waits for it.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Tells everybody to stop.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Waits until the background tasks have ended, at most `limit`. Says whether they all did.
    pub async fn finish(&self, limit: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    /// Completes at SIGTERM, SIGINT, or when somebody calls `begin`.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub async fn wanted(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.token.cancelled() => {}
        }
        Ok(())
    }
}
