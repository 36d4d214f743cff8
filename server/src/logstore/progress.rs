//! How far a running statement is, as the engine's own list of processes says it.

use std::convert::Infallible;
use std::time::Duration;

use clickhouse::Client;
use tokio::sync::mpsc;

/// Shorter searches need no progress.
const EVERY: Duration = Duration::from_millis(250);

/// What a statement has read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    pub rows: u64,
    pub bytes: u64,
    /// About how many rows it will read; 0 while that is not known.
    pub rows_total: u64,
    pub elapsed_ms: f64,
}

/// The embedded engine puts a statement's id into its comment, ClickHouse keeps it as it is.
const ASK: &str = "SELECT read_rows, read_bytes, total_rows_approx, elapsed FROM system.processes \
     WHERE query_id = {id:String} OR startsWith(Settings['log_comment'], concat({id:String}, '/')) LIMIT 1";

/// Tells the watcher again and again, until it is dropped.
pub(super) async fn tell(client: Client, query_id: String, watcher: &mpsc::Sender<Reading>) -> Infallible {
    loop {
        tokio::time::sleep(EVERY).await;
        let ask = client.query_raw(ASK).param("id", &query_id);
        // The statement may not be in the list yet, or not any more; and what cannot be asked is not told.
        if let Ok(Some((rows, bytes, rows_total, seconds))) =
            ask.fetch_optional::<(u64, u64, u64, f64)>().await
        {
            let reading = Reading { rows, bytes, rows_total, elapsed_ms: seconds * 1e3 };
            if watcher.send(reading).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
