//! How long searches take over generated events of one project, seven days of them, warm, through the API.
//!
//! With `--data` the loaded events are kept in that folder, and the next run starts at once.

use crate::searches::{Asked, NEWEST, PAGE, STAGES};
use crate::server::Server;
use crate::{cancel, ingest};
use anyhow::{Context, Result, ensure};
use api_types::search::{CheckAnswer, CheckRequest, SearchRequest, TimeInput};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 5_000_000)]
    pub events: usize,
    /// How often each search is run; the first three do not count.
    #[arg(long, default_value_t = 23)]
    pub runs: usize,
    /// Folder that keeps the loaded events for the next run.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Only those whose name or query has this text.
    #[arg(long, default_value = "")]
    pub only: String,
}

const DAYS: i64 = 7;
const DAY_NS: i64 = 86_400_000_000_000;
const HOUR_NS: i64 = DAY_NS / 24;

/// What a folder of events must remember.
#[derive(Serialize, Deserialize)]
struct Loaded {
    key: String,
    events: usize,
    end_ns: i64,
}

pub async fn run(options: &Options) -> Result<()> {
    let known = options.data.as_deref().and_then(remembered);
    let mut server = Server::start_with(options.data.as_deref(), &["--search-cache-bytes", "0"]).await?;
    let loaded = match known {
        Some(loaded) => {
            server.key.clone_from(&loaded.key);
            loaded
        }
        None => load(&server, options).await?,
    };
    let bench = Bench::new(&server, options, &loaded).await?;
    bench.table("The newest 100", NEWEST).await?;
    bench.table("The page for exploring, seven days", PAGE).await?;
    bench.table("Every stage, seven days", STAGES).await?;
    bench.cancelled().await?;
    server.stop().await
}

fn remembered(folder: &Path) -> Option<Loaded> {
    serde_json::from_slice(&std::fs::read(folder.join("loaded.json")).ok()?).ok()
}

async fn load(server: &Server, options: &Options) -> Result<Loaded> {
    let end_ns = jiff::Timestamp::now().as_nanosecond() as i64;
    let load = ingest::Options {
        events: options.events,
        batch: 2_000,
        connections: 2,
        seed: 1,
        step_ns: DAYS * DAY_NS / options.events as i64,
        half_rate_s: 0,
    };
    ingest::load(server, Arc::new(ingest::bodies(&load)), load.connections, None).await?;
    ingest::wait_until_searchable(server, options.events).await?;
    let loaded = Loaded { key: server.key.clone(), events: options.events, end_ns };
    if let Some(folder) = &options.data {
        std::fs::write(folder.join("loaded.json"), serde_json::to_vec(&loaded)?)?;
    }
    Ok(loaded)
}

struct Bench<'a> {
    server: &'a Server,
    options: &'a Options,
    end_ns: i64,
    word: String,
    trace: String,
}

impl<'a> Bench<'a> {
    /// Looks for an event whose order and trace nobody else has.
    async fn new(server: &'a Server, options: &'a Options, loaded: &Loaded) -> Result<Self> {
        let (word, trace) = (String::new(), String::new());
        let mut bench = Self { server, options, end_ns: loaded.end_ns, word, trace };
        let found =
            bench.ask("/api/v1/logs/search", &bench.request("| stats count() as n", DAYS * 24)).await?;
        let count = found["rows"][0]["n"].as_u64().context("a count")?;
        ensure!(count == loaded.events as u64, "{count} events are there, not {}", loaded.events);
        let old = SearchRequest {
            to: Some(instant(loaded.end_ns - 5 * DAY_NS)),
            ..bench.request("\"charged order\"", DAYS * 24)
        };
        let found = bench.ask("/api/v1/logs/search", &old).await?;
        let event = &found["rows"][0];
        let words = event["message"].as_str().context("an event")?.split(' ');
        bench.word = words.into_iter().nth(2).context("an order")?.to_owned();
        bench.trace = event["trace_id"].as_str().context("a trace")?.to_owned();
        Ok(bench)
    }

    fn request(&self, query: &str, hours: i64) -> SearchRequest {
        SearchRequest {
            query: query.replace("WORD", &self.word).replace("TRACE", &self.trace),
            from: Some(instant(self.end_ns - hours * HOUR_NS)),
            to: Some(instant(self.end_ns)),
            ..SearchRequest::default()
        }
    }

    async fn ask(&self, path: &str, request: &SearchRequest) -> Result<Value> {
        self.server.post(path, &self.server.key, request).await
    }

    #[allow(clippy::print_stdout, reason = "the result is for a person")]
    async fn table(&self, title: &str, asked: &[Asked]) -> Result<()> {
        let is_wanted = |asked: &&Asked| {
            asked.name.contains(&self.options.only) || asked.query.contains(&self.options.only)
        };
        println!(
            "\n### {title}\n\n| | query | p50 ms | p95 ms | aim | rows read | MB read | EXPLAIN |\n|---|---|---|---|---|---|---|---|"
        );
        for asked in asked.iter().filter(is_wanted) {
            match self.measured(asked).await {
                Ok(line) => println!("{line}"),
                Err(error) => println!("| {} | `{}` | {error:#} |", asked.name, shown(asked.query)),
            }
        }
        Ok(())
    }

    #[allow(clippy::print_stdout, reason = "the result is for a person")]
    async fn cancelled(&self) -> Result<()> {
        // Nobody has it, so that everything is read.
        let request = self.request("*:nowheretobefound", DAYS * 24);
        let times_ms = cancel::measure(self.server, &request).await?;
        let shown: Vec<String> = times_ms.iter().map(|ms| format!("{ms:.0}")).collect();
        println!("\nUntil the engine is idle after the client has gone, ms: {}", shown.join(", "));
        Ok(())
    }

    async fn measured(&self, asked: &Asked) -> Result<String> {
        let mut request = self.request(asked.query, asked.hours);
        request.field = asked.field.map(str::to_owned);
        let (mut times_ms, mut answer) = (Vec::new(), Value::Null);
        for _ in 0..self.options.runs {
            let started = Instant::now();
            answer = self.ask(asked.path, &request).await?;
            times_ms.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        let mut times_ms = times_ms.split_off(3.min(times_ms.len() - 1));
        times_ms.sort_by(f64::total_cmp);
        let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share).round() as usize];
        let read = |name: &str| answer["stats"][name].as_f64();
        Ok(format!(
            "| {} | `{}` | {:.0} | {:.0} | {} | {} | {} | {} |",
            asked.name,
            shown(asked.query),
            at(0.5),
            at(0.95),
            asked.target_ms.map(|aim| format!("{aim:.0}")).unwrap_or_default(),
            read("rows_read").map(|rows| format!("{rows:.0}")).unwrap_or_default(),
            read("bytes_read").map(|bytes| format!("{:.1}", bytes / 1e6)).unwrap_or_default(),
            if asked.path.ends_with("/search") { self.explained(&request).await? } else { String::new() },
        ))
    }

    /// What the engine's EXPLAIN says before the search runs.
    async fn explained(&self, request: &SearchRequest) -> Result<String> {
        let check = CheckRequest {
            query: request.query.clone(),
            from: request.from.clone(),
            to: request.to.clone(),
            tz: None,
            now: None,
            project_id: None,
        };
        let answer: CheckAnswer = self.server.post("/api/v1/query/check", &self.server.key, &check).await?;
        let Some(estimate) = answer.estimate else { return Ok("-".into()) };
        let mut text = format!("time: {} granules in {} parts", estimate.marks_in_range, estimate.parts);
        for index in estimate.indexes.iter().filter(|index| index.used && index.index != "time") {
            let marks = |marks: Option<u64>| marks.unwrap_or(0);
            text +=
                &format!("; {}: {} of {}", index.index, marks(index.marks_after), marks(index.marks_before));
        }
        Ok(text)
    }
}

fn instant(ns: i64) -> TimeInput {
    let time = jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    TimeInput::from(time.to_string().as_str())
}

fn shown(query: &str) -> String {
    query.replace('|', "\\|")
}
