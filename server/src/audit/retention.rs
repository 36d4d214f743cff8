//! Removes entries whose time has ended. The chain then begins with the oldest row that is left.

use super::{Audit, store};
use crate::time::now_us;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(60 * 60);

pub async fn keep_short(audit: Audit, stop: CancellationToken) {
    loop {
        match store::remove_old(&audit.db, now_us() - audit.kept_us).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed {removed} audit entries whose time has ended"),
            Err(error) => tracing::warn!(%error, "the audit log could not be shortened"),
        }
        tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => return }
    }
}
