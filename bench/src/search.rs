//! How long typical searches take over generated events of one project, warm.

use crate::ingest;
use crate::server::Server;
use anyhow::Result;
use api_types::search::{SearchAnswer, SearchRequest};
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000_000)]
    pub events: usize,
    /// How often each search is run; the first three do not count.
    #[arg(long, default_value_t = 23)]
    pub runs: usize,
}

/// What people do most, see the query language's §14.
const SEARCHES: &[(&str, &str, &str)] = &[
    ("newest 100", "/api/v1/logs/search", ""),
    ("newest errors", "/api/v1/logs/search", "level:error"),
    ("a word", "/api/v1/logs/search", "timeout"),
    ("a phrase", "/api/v1/logs/search", "\"connection refused\""),
    ("negation", "/api/v1/logs/search", "-level:info -level:debug"),
    ("numeric with source", "/api/v1/logs/search", "http.status>=500"),
    ("count by level", "/api/v1/logs/search", "* | stats count() by level"),
    ("p95 by route", "/api/v1/logs/search", "* | stats p95(duration_ms) by http.route"),
    ("histogram", "/api/v1/logs/histogram", ""),
    ("histogram of a word", "/api/v1/logs/histogram", "timeout"),
    ("fields", "/api/v1/logs/fields", ""),
];

pub async fn run(options: &Options) -> Result<()> {
    let server = Server::start().await?;
    let load =
        ingest::Options { events: options.events, batch: 2_000, connections: 2, seed: 1, half_rate_s: 0 };
    ingest::load(&server, Arc::new(ingest::bodies(&load)), load.connections, None).await?;
    ingest::wait_until_searchable(&server, options.events).await?;
    for (name, path, query) in SEARCHES {
        measure(&server, options, name, path, query).await?;
    }
    server.stop().await
}

#[allow(clippy::print_stdout, reason = "the result is for a person")]
async fn measure(server: &Server, options: &Options, name: &str, path: &str, query: &str) -> Result<()> {
    let request = SearchRequest {
        query: query.into(),
        from: Some("now-7d".into()),
        to: Some("now".into()),
        ..SearchRequest::default()
    };
    let mut times_ms = Vec::new();
    let mut found = String::new();
    for _ in 0..options.runs {
        let started = Instant::now();
        let answer: serde_json::Value = server.post(path, &server.key, &request).await?;
        times_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        found = serde_json::from_value::<SearchAnswer>(answer).map_or_else(
            |_| "-".to_owned(),
            |answer| format!("{} rows, {} read", answer.rows.len(), answer.stats.rows_read),
        );
    }
    let mut times_ms = times_ms.split_off(3.min(times_ms.len() - 1));
    times_ms.sort_by(f64::total_cmp);
    let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share).round() as usize];
    println!("{name:<22} p50 {:>7.1} ms   p95 {:>7.1} ms   {found}", at(0.5), at(0.95));
    Ok(())
}
