//! How long the engine goes on after the client of a search has gone: seen by the time that its process uses.

use crate::process;
use crate::server::Server;
use anyhow::{Context, Result};
use api_types::search::SearchRequest;
use serde_json::Value;
use std::time::{Duration, Instant};

const TRIES: usize = 7;
/// By then the search runs, and it is far from its end.
const PATIENCE: Duration = Duration::from_millis(700);
const WINDOW: Duration = Duration::from_millis(100);
/// Of a window; a search uses whole processors.
const IDLE_CPU_S: f64 = 0.03;
const LONGEST: Duration = Duration::from_secs(20);

/// Milliseconds from closing the connection until the engine is idle, of each try.
pub async fn measure(server: &Server, request: &SearchRequest) -> Result<Vec<f64>> {
    let pid = server.engine.pid()?;
    let mut times_ms = Vec::new();
    for _ in 0..TRIES {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let search = server.post::<_, Value>("/api/v1/logs/search", &server.key, request);
        let ended = tokio::time::timeout(PATIENCE, search).await;
        if let Ok(answer) = ended {
            anyhow::bail!("the search ends before it can be cancelled: {:?}", answer.err());
        }
        times_ms.push(until_idle(pid).await?.as_secs_f64() * 1e3);
    }
    times_ms.sort_by(f64::total_cmp);
    Ok(times_ms)
}

/// The start of the first window in which the process does nearly nothing.
async fn until_idle(pid: u32) -> Result<Duration> {
    let started = Instant::now();
    let cpu_s = || process::usage(pid).map(|used| used.cpu_s).context("the engine runs");
    while started.elapsed() < LONGEST {
        let (window, before) = (started.elapsed(), cpu_s()?);
        tokio::time::sleep(WINDOW).await;
        if cpu_s()? - before < IDLE_CPU_S {
            return Ok(window);
        }
    }
    anyhow::bail!("the search still runs after {LONGEST:?}")
}
