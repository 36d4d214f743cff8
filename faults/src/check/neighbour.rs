//! One organization sends far more than it may; another one must not notice.

use super::Fault;
use crate::lab::{Lab, Organization, Stack};
use crate::load::percentile;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] =
    &[Fault { id: "F28", name: "a noisy neighbour on ingest", run: |lab| Box::pin(flood(lab)) }];

const LIMIT_PER_SECOND: u64 = 1000;

#[derive(Default)]
struct Flood {
    stop: AtomicBool,
    taken: AtomicU64,
    refused: AtomicU64,
}

async fn flood(lab: &Lab) -> Result<String> {
    let seconds = lab.rounds(15, 600);
    let stack = lab.stack(&[&format!("--ingest-events-per-second={LIMIT_PER_SECOND}")]).await?;
    let (noisy, quiet) =
        (stack.server.organization("noisy").await?, stack.server.organization("quiet").await?);
    let alone = send_quietly(&stack, &quiet, seconds / 3).await?;
    let flood = Arc::new(Flood::default());
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let request = stack.server.http.post(format!("{}/api/v1/logs/ingest", stack.server.url));
            tokio::spawn(send_without_end(Arc::clone(&flood), request.bearer_auth(&noisy.key)))
        })
        .collect();
    let beside = send_quietly(&stack, &quiet, seconds).await?;
    flood.stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await??;
    }
    let (taken, refused) = (flood.taken.load(Ordering::Relaxed), flood.refused.load(Ordering::Relaxed));
    ensure!(refused > taken, "the flood was no flood: {taken} batches taken, {refused} refused");
    Ok(format!(
        "one tenant tries {:.0} times its limit of {LIMIT_PER_SECOND} events/s for {seconds} s: {refused} of its batches refused with 429; the other one’s {} batches were all taken, p99 {} ms beside the flood and {} ms alone",
        (taken + refused) as f64 * 100.0 / (LIMIT_PER_SECOND * seconds) as f64,
        beside.len(),
        percentile(&beside, 99),
        percentile(&alone, 99),
    ))
}

fn batch(count: usize) -> Value {
    json!(
        (0..count)
            .map(|event| json!({"message": format!("event {event}"), "padding": "x".repeat(300)}))
            .collect::<Vec<_>>()
    )
}

/// Sends ten small batches a second; none of them may be refused.
async fn send_quietly(stack: &Stack, quiet: &Organization, seconds: u64) -> Result<Vec<u64>> {
    let mut waits_ms = Vec::new();
    for _ in 0..seconds * 10 {
        let begun = Instant::now();
        stack.server.post("/api/v1/logs/ingest", Some(&quiet.key), &batch(10)).await?;
        waits_ms.push(begun.elapsed().as_millis() as u64);
        tokio::time::sleep(Duration::from_millis(100).saturating_sub(begun.elapsed())).await;
    }
    waits_ms.sort_unstable();
    Ok(waits_ms)
}

async fn send_without_end(flood: Arc<Flood>, request: reqwest::RequestBuilder) -> Result<()> {
    let body = batch(100).to_string();
    while !flood.stop.load(Ordering::Relaxed) {
        let Some(request) = request.try_clone() else { break };
        let status = request.body(body.clone()).send().await?.status().as_u16();
        let count = if status == 202 { &flood.taken } else { &flood.refused };
        ensure!([202, 429].contains(&status), "the flood is answered {status}");
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
