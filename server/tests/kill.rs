//! `kill -9` of the server under load: what was acknowledged is stored, once; and the client that repeats doubles nothing.
//!
//! Four organizations send numbered events without pause, each batch under its own `Idempotency-Key`, and again until it is
//! acknowledged. `KILL_ROUNDS=200` makes a long run of it.

#![allow(clippy::unwrap_used)] // a test may stop right there

mod support;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Engine, Server, eventually};

const TENANTS: usize = 4;
const BATCH: usize = 50;

/// What a sender shares with the test.
#[derive(Default)]
struct Load {
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

/// Sends batches until told to stop; returns every message, all of them acknowledged.
async fn send(
    load: Arc<Load>,
    http: reqwest::Client,
    url: String,
    key: String,
    tenant: usize,
) -> Vec<String> {
    let mut sent = Vec::new();
    let mut batch = 0;
    while !load.stop.load(Ordering::Relaxed) {
        let messages: Vec<String> = (0..BATCH).map(|i| format!("t{tenant} b{batch} e{i}")).collect();
        let body = messages.iter().fold(String::new(), |mut body, message| {
            writeln!(body, r#"{{"message":"{message}","level":"info","padding":"{}"}}"#, "x".repeat(500))
                .unwrap();
            body
        });
        until_acknowledged(&http, &url, &key, batch, &body).await;
        load.acknowledged.fetch_add(1, Ordering::Relaxed);
        sent.extend(messages);
        batch += 1;
    }
    sent
}

async fn until_acknowledged(http: &reqwest::Client, url: &str, key: &str, batch: u64, body: &str) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        let request = http.post(url).bearer_auth(key).header("idempotency-key", format!("batch {batch}"));
        if let Ok(answer) = request.body(body.to_owned()).send().await {
            match answer.status().as_u16() {
                202 => return,
                503 => {}
                status => panic!("{status}: {}", answer.text().await.unwrap_or_default()),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("batch {batch} is not acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_missing_and_nothing_is_double() {
    let rounds: u64 = std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let mut server = Server::start(&[]).await;
    let load = Arc::new(Load::default());
    let url = format!("{}/api/v1/logs/ingest", server.url);
    let mut senders = Vec::new();
    for tenant in 0..TENANTS {
        let key = server.ingest_key(&format!("tenant{tenant}")).await;
        senders.push(tokio::spawn(send(Arc::clone(&load), server.http.clone(), url.clone(), key, tenant)));
    }
    for round in 0..rounds {
        let before = load.acknowledged.load(Ordering::Relaxed);
        eventually("batches are acknowledged", async || {
            (load.acknowledged.load(Ordering::Relaxed) > before + 5).then_some(())
        })
        .await;
        // Some time into the load, another one each round: before, within and after what the shipper does each second.
        tokio::time::sleep(Duration::from_millis(50 + round * 389 % 1450)).await;
        server.kill();
        server.start_again().await;
        if round % 10 == 9 {
            server.kill();
            server.start_again().await;
        }
    }
    load.stop.store(true, Ordering::Relaxed);
    let mut sent = BTreeSet::new();
    for sender in senders {
        sent.extend(sender.await.unwrap());
    }
    let folder = shipped(server).await;

    let stored = Engine::on(folder.path()).column("SELECT message FROM logs ORDER BY message").await;

    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    let lost: Vec<&String> = sent.difference(&distinct).collect();
    let ghosts: Vec<&String> = distinct.difference(&sent).collect();
    assert_eq!((lost.len(), stored.len() - distinct.len(), ghosts.len()), (0, 0, 0), "lost, double, ghosts");
    assert!(sent.len() > BATCH * 5 * rounds as usize, "{} events", sent.len());
}

/// Waits until nothing but the last seal waits in the write-ahead log, and stops the server.
async fn shipped(server: Server) -> tempfile::TempDir {
    let metrics = format!("{}/metrics", server.url);
    eventually("everything is shipped", async || {
        let text = server.http.get(&metrics).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("cordwood_wal_waiting_records "))?;
        line.split(' ').next_back()?.parse::<f64>().ok().filter(|waiting| *waiting <= 1.0)
    })
    .await;
    server.stop().await
}
