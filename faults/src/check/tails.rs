//! Many live tails at once, some of them slow.

use super::Fault;
use crate::lab::{Lab, Organization, Stack};
use crate::load::percentile;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::task::JoinHandle;

pub const FAULTS: &[Fault] = &[
    Fault { id: "F27", name: "1,000 live tails", run: |lab| Box::pin(thousand(lab)) },
    Fault { id: "F27b", name: "one live tail that is sent a lot", run: |lab| Box::pin(one(lab)) },
];

const TENANTS: u64 = 20;
const READERS: u64 = 50;
/// Every so many is a reader who does not read.
const SLOW: u64 = 20;
const EVENTS_PER_SECOND: u64 = 500;

async fn thousand(lab: &Lab) -> Result<String> {
    let seconds = lab.rounds(20, 600);
    let stack = lab.stack(&["--tails-per-node=2000"]).await?;
    let mut tenants = Vec::new();
    for tenant in 0..TENANTS {
        tenants.push(stack.server.organization(&format!("tenant{tenant}")).await?);
    }
    let alone = send(&stack, &tenants, lab.rounds(5, 30)).await?;
    let before = stack.server.memory()?;
    let (lags, mut readers, mut slow) = (Arc::new(Lags::default()), Vec::new(), Vec::new());
    for (number, tenant) in tenants.iter().flat_map(|tenant| (0..READERS).map(move |number| (number, tenant)))
    {
        let answer = open(&stack, tenant).await?;
        if number % SLOW == 0 {
            slow.push(answer);
        } else {
            readers.push(tokio::spawn(read(answer, Arc::clone(&lags))));
        }
    }
    let with_tails = send(&stack, &tenants, seconds).await?;
    let expected = with_tails.events_each;
    let (seen, missing) = finish(readers, expected).await?;
    let grown = stack.server.memory()?.saturating_sub(before) >> 20;
    let lag = lags.p99_ms();
    let dropped = stack.server.metric("cordwood_tail_dropped_events_total").await.unwrap_or(0.0);
    ensure!(missing == 0, "{missing} events are missing with readers who read, {dropped} were dropped");
    Ok(format!(
        "{} readers of {TENANTS} tenants, {} of them not reading, {:.0} events/s for {seconds} s: readers who read got all {seen}, each once, p99 {lag} ms after their arrival; {dropped:.0} dropped for the others; the server grew by {grown} MiB; acknowledgement p99 {} ms, {} ms without tails (all on the same two cores)",
        TENANTS * READERS,
        slow.len(),
        with_tails.rate,
        percentile(&with_tails.waits_ms, 99),
        percentile(&alone.waits_ms, 99),
    ))
}

async fn one(lab: &Lab) -> Result<String> {
    let seconds = lab.rounds(20, 600);
    let stack = lab.stack(&[]).await?;
    let tenants = vec![stack.server.organization("alone").await?];
    let lags = Arc::new(Lags::default());
    let reader = tokio::spawn(read(open(&stack, &tenants[0]).await?, Arc::clone(&lags)));
    let sent = send(&stack, &tenants, seconds).await?;
    let (seen, missing) = finish(vec![reader], sent.events_each).await?;
    ensure!(missing == 0, "{missing} of {} events are missing", sent.events_each);
    Ok(format!(
        "{:.0} events/s for {seconds} s: all {seen} came, each once, p99 {} ms after their arrival",
        sent.rate,
        lags.p99_ms()
    ))
}

#[derive(Default)]
struct Lags {
    /// Events by the millisecond at which they came, up to 10 s.
    buckets: std::sync::Mutex<Vec<u64>>,
    last: AtomicU64,
}

impl Lags {
    fn note(&self, lag_ms: u64) {
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        buckets.resize(10_001, 0);
        buckets[lag_ms.min(10_000) as usize] += 1;
        self.last.store(lag_ms, Ordering::Relaxed);
    }

    fn p99_ms(&self) -> u64 {
        let buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let all: u64 = buckets.iter().sum();
        let mut seen = 0;
        for (lag, count) in buckets.iter().enumerate() {
            seen += count;
            if seen * 100 >= all * 99 {
                return lag as u64;
            }
        }
        0
    }
}

async fn open(stack: &Stack, tenant: &Organization) -> Result<reqwest::Response> {
    let request = stack.server.http.get(format!("{}/api/v1/logs/tail?query=tick", stack.server.url));
    Ok(request.bearer_auth(&tenant.key).send().await?.error_for_status()?)
}

/// Counts events until the one that says it is the last. Each has a number of its tenant that rises: none comes twice.
async fn read(mut answer: reqwest::Response, lags: Arc<Lags>) -> Result<u64> {
    let (mut text, mut seen, mut next) = (String::new(), 0, 0);
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(30), answer.chunk()).await??;
        text.push_str(std::str::from_utf8(&chunk.context("the tail ended")?)?);
        while let Some((frame, rest)) = text.split_once("\n\n") {
            let data = frame.lines().find_map(|line| line.strip_prefix("data: "));
            if frame.contains("event: log")
                && let Some(data) = data
            {
                let event: Value = serde_json::from_str(data)?;
                if event["message"] == "tick last" {
                    return Ok(seen);
                }
                let number = event["attributes"]["number"].as_u64().context("a number")?;
                ensure!(number >= next, "event {number} came behind event {next}");
                (seen, next) = (seen + 1, number + 1);
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as u64;
                lags.note(now.saturating_sub(event["attributes"]["sent_ms"].as_u64().unwrap_or(now)));
            }
            text = rest.to_owned();
        }
    }
}

struct Sending {
    /// Events that each tenant was sent.
    events_each: u64,
    rate: f64,
    waits_ms: Vec<u64>,
}

/// Sends so many events a second to all tenants together, each tenant in its turn.
async fn send(stack: &Stack, tenants: &[Organization], seconds: u64) -> Result<Sending> {
    // Twenty batches a second, whoever's turn it is.
    let batch = EVENTS_PER_SECOND / TENANTS;
    let (begun, mut waits_ms) = (Instant::now(), Vec::new());
    for second in 0..seconds {
        for (turn, tenant) in (0..TENANTS).zip(tenants.iter().cycle()) {
            let due = Duration::from_secs(second) + Duration::from_millis(turn * 1000 / TENANTS);
            tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
            let first_number = (second * TENANTS + turn) / tenants.len() as u64 * batch;
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as u64;
            let events: Vec<Value> = (0..batch)
                .map(|event| json!({"message": format!("tick {second} {event}"), "number": first_number + event, "sent_ms": now, "padding": "x".repeat(300)}))
                .collect();
            let asked = Instant::now();
            stack.server.post("/api/v1/logs/ingest", Some(&tenant.key), &json!(events)).await?;
            waits_ms.push(asked.elapsed().as_millis() as u64);
        }
    }
    let took = begun.elapsed().as_secs_f64();
    for tenant in tenants {
        stack.server.post("/api/v1/logs/ingest", Some(&tenant.key), &json!({"message": "tick last"})).await?;
    }
    waits_ms.sort_unstable();
    let sent = EVENTS_PER_SECOND * seconds;
    Ok(Sending { events_each: sent / tenants.len() as u64, rate: sent as f64 / took, waits_ms })
}

/// What all readers saw, and how much less than they should have.
async fn finish(readers: Vec<JoinHandle<Result<u64>>>, expected: u64) -> Result<(u64, u64)> {
    let (mut seen, mut missing) = (0, 0);
    for reader in readers {
        let got = reader.await??;
        ensure!(got <= expected, "a reader saw {got} of {expected} events");
        seen += got;
        missing += expected - got;
    }
    Ok((seen, missing))
}
