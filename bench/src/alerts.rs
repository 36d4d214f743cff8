//! How many alert rules one node keeps up with: rules over a live stream of events, evaluated every minute, and how late.

use crate::process::{self, Use};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 10_000)]
    rules: usize,
    /// Different queries among them; rules with the same query have different thresholds.
    #[arg(long, default_value_t = 10_000)]
    queries: usize,
    /// Seconds that are measured, after every rule was evaluated twice.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Events that are there before.
    #[arg(long, default_value_t = 200_000)]
    events: usize,
    /// Events a second meanwhile.
    #[arg(long, default_value_t = 500)]
    rate: usize,
}

/// What was counted at one moment.
struct Moment {
    at: Instant,
    evaluations: f64,
    failed: f64,
    server: Use,
    engine: Use,
}

pub async fn run(options: &Options) -> Result<()> {
    let server = Server::start().await?;
    let before = crate::ingest::Options { events: options.events, batch: 2_000, connections: 2, seed: 7 };
    let bodies = std::sync::Arc::new(crate::ingest::bodies(&before));
    crate::ingest::load(&server, bodies, 2).await?;
    crate::ingest::wait_until_searchable(&server, options.events).await?;
    let stream = stream(&server, options.rate);
    let begun = Instant::now();
    make_rules(&server, options).await?;
    let made_s = begun.elapsed().as_secs_f64();
    // the first evaluation of each is at once, the next one in its slot
    let wanted = 2.0 * options.rules as f64;
    while moment(&server).await?.evaluations < wanted {
        ensure!(begun.elapsed() < Duration::from_secs(900), "the rules are not all evaluated in 15 minutes");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let first = moment(&server).await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let last = moment(&server).await?;
    let lags = lags(&server, options).await?;
    stream.abort();
    report(options, made_s, &first, &last, &lags)?;
    server.stop().await
}

/// Sends events of now until it is aborted.
fn stream(server: &Server, rate: usize) -> JoinHandle<()> {
    let (client, key) = (server.client.clone(), server.key.clone());
    let url = format!("{}/api/v1/logs/ingest", server.address);
    tokio::spawn(async move {
        let mut generator = generate::Generator::new(11, generate::Profile::default());
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            let (now_ns, mut body) = (jiff::Timestamp::now().as_nanosecond() as i64, Vec::new());
            for number in 0..rate {
                generator.write_event(now_ns + number as i64 * 1_000, &mut body);
                body.push(b'\n');
            }
            let request = client.post(&url).bearer_auth(&key).header("Content-Type", "application/x-ndjson");
            let _ = request.body(body).send().await;
        }
    })
}

async fn make_rules(server: &Server, options: &Options) -> Result<()> {
    let rules: Vec<Value> = (0..options.rules).map(|number| rule(number, options.queries)).collect();
    for part in rules.chunks(1_000) {
        let _: Value =
            server.post("/api/v1/alert-rules/import", &server.key, &json!({ "rules": part })).await?;
    }
    Ok(())
}

/// Every fourth query counts by group; the thresholds differ, so that rules of one query are not the same.
fn rule(number: usize, queries: usize) -> Value {
    const SOURCES: [&str; 6] = ["api", "web", "checkout", "worker", "auth", "db"];
    let query = number % queries;
    let source = SOURCES[query % SOURCES.len()];
    let text = match query % 4 {
        0 => format!("source:{source} duration_ms>{query}"),
        1 => format!("source:{source} level>=warn -\"user {query}\""),
        2 => format!("source:{source} http.status>={}", 400 + query),
        _ => format!("level>=error duration_ms>{query} | stats count() as n by source"),
    };
    json!({
        "name": format!("rule {number}"), "query": text, "window": "5m", "every": "1m", "delay": "15s",
        "condition": {"op": ">", "threshold": 1_000_000 + number},
    })
}

async fn moment(server: &Server) -> Result<Moment> {
    let text = server.client.get(format!("{}/metrics", server.address)).send().await?.text().await?;
    let of = |outcome: &str| {
        let start = format!("cordwood_alert_evaluations_total{{outcome=\"{outcome}\"}}");
        let line = text.lines().find(|line| line.starts_with(&start));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    };
    let pid = server.pid()?;
    let engine = process::children(pid).into_iter().find(|(name, _)| name.contains("cordwood-engin"));
    let engine = engine.context("the engine runs")?.1;
    Ok(Moment {
        at: Instant::now(),
        evaluations: of("ok"),
        failed: of("failed") + of("lost"),
        server: process::usage(pid).context("the server runs")?,
        engine: process::usage(engine).context("the engine runs")?,
    })
}

/// Seconds from a slot until its evaluation was done, of a sample of the rules, sorted.
async fn lags(server: &Server, options: &Options) -> Result<Vec<f64>> {
    let list: Value = get(server, "/api/v1/alert-rules?limit=500").await?;
    let ids = list["items"].as_array().context("a list")?.iter().filter_map(|rule| rule["id"].as_str());
    let (mut lags, slots) = (Vec::new(), options.seconds / 60);
    for id in ids {
        let path = format!("/api/v1/alert-rules/{id}/evaluations?limit={}", slots.max(1));
        let found: Value = get(server, &path).await?;
        for evaluation in found["items"].as_array().context("a list")? {
            let time = |name: &str| evaluation[name].as_str()?.parse::<jiff::Timestamp>().ok();
            let (slot, begun) = time("slot").zip(time("evaluated_at")).context("two times")?;
            let took_s = evaluation["took_ms"].as_f64().context("a duration")? / 1_000.0;
            lags.push((begun.as_microsecond() - slot.as_microsecond()) as f64 / 1e6 + took_s);
        }
    }
    lags.sort_by(f64::total_cmp);
    ensure!(!lags.is_empty(), "nothing was evaluated");
    Ok(lags)
}

async fn get(server: &Server, path: &str) -> Result<Value> {
    let request = server.client.get(format!("{}{path}", server.address)).bearer_auth(&server.key);
    Ok(request.send().await?.error_for_status()?.json().await?)
}

#[allow(clippy::print_stdout, reason = "the result is for a person")]
fn report(options: &Options, made_s: f64, first: &Moment, last: &Moment, lags: &[f64]) -> Result<()> {
    let seconds = last.at.duration_since(first.at).as_secs_f64();
    let evaluations = last.evaluations - first.evaluations;
    let at = |share: f64| lags[((lags.len() as f64 * share) as usize).min(lags.len() - 1)];
    let cores = |before: Use, after: Use| (after.cpu_s - before.cpu_s) / seconds;
    let (server, engine) = (cores(first.server, last.server), cores(first.engine, last.engine));
    let all = std::thread::available_parallelism()?.get() as f64;
    println!(
        "{} rules of {} queries, made in {made_s:.0} s; {} events a second meanwhile",
        options.rules, options.queries, options.rate
    );
    println!(
        "evaluations: {:.0} a minute over {seconds:.0} s, {} failed",
        evaluations * 60.0 / seconds,
        last.failed - first.failed
    );
    println!(
        "lag from slot to result: p50 {:.2} s, p99 {:.2} s, max {:.2} s ({} evaluations)",
        at(0.5),
        at(0.99),
        at(1.0),
        lags.len()
    );
    println!(
        "CPU: server {server:.2} cores, engine {engine:.2} cores; {:.0} % of {all:.0} cores",
        100.0 * (server + engine) / all
    );
    println!(
        "CPU per evaluation: server {:.2} ms, engine {:.2} ms",
        1e3 * server * seconds / evaluations,
        1e3 * engine * seconds / evaluations
    );
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    println!(
        "peak memory: server {:.0} MiB, engine {:.0} MiB",
        mib(last.server.peak_memory_bytes),
        mib(last.engine.peak_memory_bytes)
    );
    Ok(())
}
