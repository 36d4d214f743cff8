//! How fast events get in: bodies are made beforehand, then sent over a few connections as fast as they are acknowledged.

use crate::profile::Profile;
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use api_types::ingest::IngestAnswer;
use api_types::search::{SearchAnswer, SearchRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, clap::Args)]
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
    /// Afterwards so many seconds at half of each rate that was reached; 0: none.
    #[arg(long, default_value_t = 20)]
    pub half_rate_s: u64,
}

/// What one load gave.
pub struct Loaded {
    pub bytes: usize,
    pub acknowledged_s: f64,
    pub acknowledgements_ms: Vec<f64>,
}

impl Loaded {
    /// The time below which this share of the acknowledgements came.
    pub fn acknowledged_within_ms(&self, share: f64) -> f64 {
        self.acknowledgements_ms[((self.acknowledgements_ms.len() - 1) as f64 * share) as usize]
    }
}

pub async fn run(options: &Options) -> Result<()> {
    let server = Server::start().await?;
    let made = Arc::new(bodies(options));
    let before = Profile::of(&server).await?;
    let started = Instant::now();
    let loaded = load(&server, made, options.connections, None).await?;
    wait_until_searchable(&server, options.events).await?;
    let searchable_s = started.elapsed().as_secs_f64();
    let after = Profile::of(&server).await?;
    report(options, &loaded, searchable_s);
    after.print_since(&before, options.events as f64);
    if options.half_rate_s > 0 {
        let rates = [("acknowledged", loaded.acknowledged_s), ("searchable", searchable_s)];
        let mut sent = options.events;
        for (of, seconds) in rates {
            sent += half_rate(&server, options, of, options.events as f64 / seconds / 2.0).await?;
            wait_until_searchable(&server, sent).await?;
        }
    }
    server.stop().await
}

/// Acknowledgement times when the server is not at its limit: bodies come at fixed times, whether the last one is answered or not. Returns how many
/// events were sent.
#[allow(clippy::print_stdout, reason = "the result is for a person")]
async fn half_rate(server: &Server, options: &Options, of: &str, events_per_second: f64) -> Result<usize> {
    let count = (events_per_second as usize * options.half_rate_s as usize) / options.batch * options.batch;
    let half = Options { events: count.max(options.batch), seed: options.seed + 1, ..options.clone() };
    let every = Duration::from_secs_f64(options.batch as f64 / events_per_second);
    let loaded = load(server, Arc::new(bodies(&half)), 64, Some(every)).await?;
    println!(
        "at half of what is {of}: {:.0} events/s for {:.0} s: acknowledged p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        half.events as f64 / loaded.acknowledged_s,
        loaded.acknowledged_s,
        loaded.acknowledged_within_ms(0.5),
        loaded.acknowledged_within_ms(0.99),
        loaded.acknowledged_within_ms(1.0)
    );
    Ok(half.events)
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

/// Sends every body once. `every`: one after such a time, by whichever connection is free; otherwise as fast as they are acknowledged.
pub async fn load(
    server: &Server,
    bodies: Arc<Vec<Vec<u8>>>,
    connections: usize,
    every: Option<Duration>,
) -> Result<Loaded> {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            let (client, key) = (server.client.clone(), server.key.clone());
            let url = format!("{}/api/v1/logs/ingest", server.address);
            let (bodies, next) = (bodies.clone(), next.clone());
            tokio::spawn(async move { send_all(&client, &url, &key, &bodies, &next, every, started).await })
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
    every: Option<Duration>,
    begun: Instant,
) -> Result<Vec<f64>> {
    let mut times_ms = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = bodies.get(number) else { break };
        if let Some(every) = every {
            tokio::time::sleep_until((begun + every * number as u32).into()).await;
        }
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
fn report(options: &Options, loaded: &Loaded, searchable_s: f64) {
    let events = options.events as f64;
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
    println!(
        "acknowledgement             p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        loaded.acknowledged_within_ms(0.5),
        loaded.acknowledged_within_ms(0.99),
        loaded.acknowledged_within_ms(1.0)
    );
}
