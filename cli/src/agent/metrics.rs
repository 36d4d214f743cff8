//! What the agent has done, for Prometheus, and what troubles it, on standard error.

use anyhow::{Context, Result};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The same trouble is told this often.
const QUIET: Duration = Duration::from_secs(60);
/// Of a request, in bytes.
const LONGEST_HEAD: usize = 8192;

#[derive(Debug, Default)]
pub struct Metrics {
    pub events: AtomicU64,
    pub filtered: AtomicU64,
    pub rejected: AtomicU64,
    pub bytes: AtomicU64,
    pub batches: AtomicU64,
    pub retries: AtomicU64,
    pub refused: AtomicU64,
    pub files: AtomicU64,
    pub waiting_bytes: AtomicU64,
    pub lost_bytes: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Metrics {
    pub fn retried(&self, why: &str) {
        self.retries.fetch_add(1, Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() > QUIET) {
            *told = Some(Instant::now());
            tell(&format!("not sent, trying again: {why}"));
        }
    }

    fn text(&self) -> String {
        let figures = [
            ("cordwood_agent_events_sent_total", "counter", "Events that the server took.", &self.events),
            (
                "cordwood_agent_events_filtered_total",
                "counter",
                "Events that a filter left out.",
                &self.filtered,
            ),
            (
                "cordwood_agent_events_rejected_total",
                "counter",
                "Events that the server rejected.",
                &self.rejected,
            ),
            (
                "cordwood_agent_bytes_read_total",
                "counter",
                "Bytes of files that are acknowledged.",
                &self.bytes,
            ),
            ("cordwood_agent_batches_sent_total", "counter", "Batches that the server took.", &self.batches),
            (
                "cordwood_agent_retries_total",
                "counter",
                "Attempts that failed and were made again.",
                &self.retries,
            ),
            (
                "cordwood_agent_batches_refused_total",
                "counter",
                "Batches that were set aside.",
                &self.refused,
            ),
            (
                "cordwood_agent_lost_bytes_total",
                "counter",
                "Bytes that were cut off before they were read.",
                &self.lost_bytes,
            ),
            ("cordwood_agent_files", "gauge", "Files that are known.", &self.files),
            ("cordwood_agent_waiting_bytes", "gauge", "Bytes that wait to be sent.", &self.waiting_bytes),
        ];
        let mut text = String::new();
        for (name, kind, help, figure) in figures {
            let value = figure.load(Relaxed);
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}")
                .expect("memory takes every byte");
        }
        text
    }

    /// Answers every request with the figures, until the agent ends.
    pub async fn serve(self: &Arc<Self>, address: SocketAddr) -> Result<()> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("metrics: cannot listen on {address}"))?;
        tell(&format!("metrics on http://{}/metrics", listener.local_addr()?));
        let metrics = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let text = metrics.text();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    text.len()
                );
                tokio::spawn(async move {
                    let answer = async {
                        read_head(&mut connection).await?;
                        connection.write_all((head + &text).as_bytes()).await?;
                        connection.shutdown().await
                    };
                    // A client that goes away is no trouble of ours.
                    let _ = tokio::time::timeout(Duration::from_secs(5), answer).await;
                });
            }
        });
        Ok(())
    }
}

/// Whatever a request says, the answer is the same; but closing before all of it is read would cut the answer off.
async fn read_head(connection: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let is_over = |head: &[u8]| head.windows(4).any(|end| end == b"\r\n\r\n") || head.len() > LONGEST_HEAD;
    while !is_over(&head) && connection.read_buf(&mut head).await? > 0 {}
    Ok(())
}

/// A line on standard error, with the time, as a service writes its log.
#[allow(clippy::print_stderr, reason = "the agent's own log")]
pub fn tell(line: &str) {
    eprintln!("{:.3} {line}", jiff::Timestamp::now());
}
