//! Senders whose every event is numbered, and the count of what became of them.

use crate::lab::{Organization, Stack};
use anyhow::{Result, bail, ensure};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How the senders send.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub tenants: usize,
    pub batch: usize,
    /// Between two batches of a sender.
    pub pause: Duration,
}

impl Default for Shape {
    fn default() -> Self {
        Self { tenants: 4, batch: 50, pause: Duration::from_millis(40) }
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    /// Answers that told to come again, and connections that broke.
    repeats: AtomicU64,
    waits_ms: Mutex<Vec<u64>>,
}

pub struct Load {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<Result<Vec<String>>>>,
}

/// What was acknowledged.
pub struct Sent {
    pub events: BTreeSet<String>,
    pub repeats: u64,
    /// How long acknowledged batches took, sorted.
    pub waits_ms: Vec<u64>,
}

impl Load {
    /// Starts senders to `url`, each an organization of its own, that repeat a batch under its key until it is acknowledged.
    pub async fn start(stack: &Stack, url: &str, shape: Shape) -> Result<Self> {
        static LOADS: AtomicU64 = AtomicU64::new(0);
        let load = LOADS.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared::default());
        let mut senders = Vec::new();
        for tenant in 0..shape.tenants {
            let organization = stack.server.organization(&format!("load{load}-tenant{tenant}")).await?;
            // A client of its own: connections that broke are not another sender's.
            let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
            let sender = Sender {
                shared: Arc::clone(&shared),
                http,
                url: format!("{url}/api/v1/logs/ingest"),
                name: format!("l{load} t{tenant}"),
            };
            senders.push(tokio::spawn(sender.run(organization, shape)));
        }
        Ok(Self { shared, senders })
    }

    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more batches are acknowledged.
    pub async fn goes_on(&self, batches: u64, limit: Duration) -> Result<Duration> {
        let (begun, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() < before + batches {
            ensure!(begun.elapsed() < limit, "nothing is acknowledged for {} s", limit.as_secs());
            if let Some(ended) = self.senders.iter().position(JoinHandle::is_finished) {
                bail!("sender {ended} gave up");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(begun.elapsed())
    }

    /// Ends the senders when each has its last batch acknowledged.
    pub async fn stop(self) -> Result<Sent> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut events = BTreeSet::new();
        for sender in self.senders {
            events.extend(sender.await??);
        }
        let mut waits_ms =
            std::mem::take(&mut *self.shared.waits_ms.lock().unwrap_or_else(PoisonError::into_inner));
        waits_ms.sort_unstable();
        Ok(Sent { events, repeats: self.shared.repeats.load(Ordering::Relaxed), waits_ms })
    }
}

struct Sender {
    shared: Arc<Shared>,
    http: reqwest::Client,
    url: String,
    /// Begins every event's text.
    name: String,
}

impl Sender {
    async fn run(self, organization: Organization, shape: Shape) -> Result<Vec<String>> {
        let (mut sent, mut batch) = (Vec::new(), 0_u64);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let messages: Vec<String> =
                (0..shape.batch).map(|event| format!("{} b{batch} e{event}", self.name)).collect();
            let body = messages.iter().fold(String::new(), |mut body, message| {
                let padding = "x".repeat(400);
                writeln!(body, r#"{{"message":"{message}","level":"info","padding":"{padding}"}}"#)
                    .expect("text takes every write");
                body
            });
            self.until_acknowledged(&organization.key, batch, &body).await?;
            self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            sent.extend(messages);
            batch += 1;
            tokio::time::sleep(shape.pause).await;
        }
        Ok(sent)
    }

    async fn until_acknowledged(&self, key: &str, batch: u64, body: &str) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(180) {
            let tried = Instant::now();
            let request =
                self.http.post(&self.url).bearer_auth(key).header("idempotency-key", format!("b{batch}"));
            match request.body(body.to_owned()).send().await {
                Ok(answer) if answer.status().as_u16() == 202 => {
                    let wait = tried.elapsed().as_millis() as u64;
                    self.shared.waits_ms.lock().unwrap_or_else(PoisonError::into_inner).push(wait);
                    return Ok(());
                }
                Ok(answer) if matches!(answer.status().as_u16(), 429 | 503) => {
                    ensure!(answer.headers().contains_key("retry-after"), "a refusal without Retry-After");
                }
                // What a fault on the way made of the request.
                Ok(answer) if answer.status().as_u16() == 400 => {}
                Ok(answer) => bail!("{}: {}", answer.status(), answer.text().await.unwrap_or_default()),
                Err(_) => {}
            }
            self.shared.repeats.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        bail!("batch {batch} was not acknowledged in three minutes")
    }
}

/// Delivery may take so long after a fault.
const DELIVERED_WITHIN: Duration = Duration::from_secs(240);
/// What would be stored a second time comes within this time.
const QUIET: Duration = Duration::from_secs(3);

/// Waits until everything that was sent is stored, and holds the two against each other: nothing lost, nothing double,
/// nothing that nobody sent.
pub async fn settle(stack: &Stack, sent: &Sent) -> Result<String> {
    let begun = Instant::now();
    loop {
        if compare(stack, sent).await?.0 == 0 || begun.elapsed() > DELIVERED_WITHIN {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    tokio::time::sleep(QUIET).await;
    let (lost, double, ghosts) = compare(stack, sent).await?;
    let figures = format!("{} events, {lost} lost, {double} double, {ghosts} ghosts", sent.events.len());
    ensure!((lost, double, ghosts) == (0, 0, 0), "{figures}");
    Ok(figures)
}

/// Lost, double, ghosts.
async fn compare(stack: &Stack, sent: &Sent) -> Result<(usize, usize, usize)> {
    let stored = stack.column("SELECT message FROM logs WHERE message LIKE 'l% t% b% e%'").await?;
    let distinct: BTreeSet<&String> = stored.iter().collect();
    let lost = sent.events.iter().filter(|message| !distinct.contains(message)).count();
    let ghosts = distinct.iter().filter(|message| !sent.events.contains(message.as_str())).count();
    Ok((lost, stored.len() - distinct.len(), ghosts))
}

/// The value below which so many percent lie.
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}
