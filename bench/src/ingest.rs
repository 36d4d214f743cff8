//! How fast events get in: bodies are made beforehand, then sent over a few connections as fast as they are acknowledged.

use crate::process;
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use api_types::ingest::IngestAnswer;
use api_types::search::{SearchAnswer, SearchRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000_000)]
    pub events: usize,
    /// Events in one request.
    #[arg(long, default_value_t = 2_000)]
    pub batch: usize,
    #[arg(long, default_value_t = 2)]
    pub connections: usize,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Nanoseconds between two events.
    #[arg(long, default_value_t = 1_000_000)]
    pub step_ns: i64,
}

/// What one load gave.
pub struct Loaded {
    pub bytes: usize,
    pub acknowledged_s: f64,
    pub acknowledgements_ms: Vec<f64>,
}

pub async fn run(options: &Options) -> Result<()> {
    let server = Server::start().await?;
    let bodies = Arc::new(bodies(options));
    let started = Instant::now();
    let loaded = load(&server, bodies, options.connections).await?;
    wait_until_searchable(&server, options.events).await?;
    let searchable_s = started.elapsed().as_secs_f64();
    report(&server, options, &loaded, searchable_s)?;
    server.stop().await
}

/// NDJSON bodies of generated events, ending now.
pub fn bodies(options: &Options) -> Vec<Vec<u8>> {
    let mut generator = generate::Generator::new(options.seed, generate::Profile::default());
    let end_ns = jiff::Timestamp::now().as_nanosecond() as i64;
    let step_ns = options.step_ns;
    let first_ns = end_ns - options.events as i64 * step_ns;
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for index in 0..options.events {
        if index % options.batch == 0 {
            bodies.push(Vec::with_capacity(options.batch * 400));
        }
        let body = bodies.last_mut().expect("one was just pushed");
        generator.write_event(first_ns + index as i64 * step_ns, body);
        body.push(b'\n');
    }
    bodies
}

pub async fn load(server: &Server, bodies: Arc<Vec<Vec<u8>>>, connections: usize) -> Result<Loaded> {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            let (client, key) = (server.client.clone(), server.key.clone());
            let url = format!("{}/api/v1/logs/ingest", server.address);
            let (bodies, next) = (bodies.clone(), next.clone());
            tokio::spawn(async move { send_all(&client, &url, &key, &bodies, &next).await })
        })
        .collect();
    let mut acknowledgements_ms = Vec::new();
    for sender in senders {
        acknowledgements_ms.extend(sender.await??);
    }
    acknowledgements_ms.sort_by(f64::total_cmp);
    Ok(Loaded {
        bytes: bodies.iter().map(Vec::len).sum(),
        acknowledged_s: started.elapsed().as_secs_f64(),
        acknowledgements_ms,
    })
}

async fn send_all(
    client: &reqwest::Client,
    url: &str,
    key: &str,
    bodies: &[Vec<u8>],
    next: &AtomicUsize,
) -> Result<Vec<f64>> {
    let mut times_ms = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let started = Instant::now();
        let answer = client
            .post(url)
            .bearer_auth(key)
            .header("Content-Type", "application/x-ndjson")
            .body(body.clone())
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.as_u16() == 202, "ingest answered {status}: {text}");
        let answer: IngestAnswer = serde_json::from_str(&text)?;
        ensure!(
            answer.rejected == 0,
            "{} events were rejected: {:?}",
            answer.rejected,
            answer.errors.first()
        );
        times_ms.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times_ms)
}

/// Asks until the count is what was sent; more would be doubles.
pub async fn wait_until_searchable(server: &Server, events: usize) -> Result<()> {
    let request = SearchRequest {
        query: "* | stats count() as n".into(),
        from: Some("now-10d".into()),
        to: Some("now+1h".into()),
        ..SearchRequest::default()
    };
    let deadline = Instant::now() + Duration::from_secs(600);
    loop {
        let answer: SearchAnswer = server.post("/api/v1/logs/search", &server.key, &request).await?;
        let found =
            answer.rows.first().and_then(|row| row["n"].as_u64().or_else(|| row["n"].as_str()?.parse().ok()));
        let found = found.context("a count")? as usize;
        ensure!(found <= events, "{found} events are found, but only {events} were sent");
        if found == events {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "only {found} of {events} events can be found after 10 minutes");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[allow(clippy::print_stdout, reason = "the result is for a person")]
fn report(server: &Server, options: &Options, loaded: &Loaded, searchable_s: f64) -> Result<()> {
    let events = options.events as f64;
    let pid = server.pid()?;
    let own = process::usage(pid).context("the server runs")?;
    let engine =
        process::children(pid).into_values().next().and_then(process::usage).context("the engine runs")?;
    let ack = |share: f64| {
        loaded.acknowledgements_ms[((loaded.acknowledgements_ms.len() - 1) as f64 * share) as usize]
    };
    println!("events                      {}", options.events);
    println!(
        "bytes                       {:.0} MB, {:.0} per event",
        loaded.bytes as f64 / 1e6,
        loaded.bytes as f64 / events
    );
    println!(
        "until acknowledged          {:.1} s, {:.0} events/s",
        loaded.acknowledged_s,
        events / loaded.acknowledged_s
    );
    println!("until searchable            {searchable_s:.1} s, {:.0} events/s", events / searchable_s);
    println!("CPU of the server           {:.1} µs per event", own.cpu_s * 1e6 / events);
    println!("CPU of the engine           {:.1} µs per event", engine.cpu_s * 1e6 / events);
    println!("peak memory of the server   {:.0} MB", own.peak_memory_bytes as f64 / 1e6);
    println!("peak memory of the engine   {:.0} MB", engine.peak_memory_bytes as f64 / 1e6);
    println!(
        "acknowledgement             p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        ack(0.5),
        ack(0.99),
        ack(1.0)
    );
    Ok(())
}
