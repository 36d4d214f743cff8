//! Where the time of an ingest goes: the stages of the server by its metrics, those of the engine by its own counters, CPU and memory of both.

use crate::process::{self, Use};
use crate::server::Server;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Sums of seconds that the server keeps of its stages. Stages that wait are wall time.
const SERVER: &[(&str, &str)] = &[
    ("decode, mask, make rows", "cordwood_ingest_decode_seconds_sum"),
    ("write-ahead log with its sync (waiting)", "cordwood_ingest_ack_seconds_sum"),
    ("read back, encode batches", "cordwood_shipper_encode_seconds_sum"),
    ("insert (waiting for the engine)", "cordwood_shipper_batch_seconds_sum"),
];

/// Counters of the engine, in microseconds, but for the merges, which count milliseconds.
const ENGINE: &[(&str, &str, f64)] = &[
    ("insert: whole statements", "InsertQueryTimeMicroseconds", 1.0),
    ("insert: sort", "MergeTreeDataWriterSortingBlocksMicroseconds", 1.0),
    ("insert: text and skip indices", "MergeTreeDataWriterSkipIndicesCalculationMicroseconds", 1.0),
    ("insert: statistics", "MergeTreeDataWriterStatisticsCalculationMicroseconds", 1.0),
    ("syncs of files (waiting)", "FileSyncElapsedMicroseconds", 1.0),
    ("merges: executing", "MergeExecuteMilliseconds", 1000.0),
    ("merges: horizontal stage", "MergeHorizontalStageExecuteMilliseconds", 1000.0),
    ("merges: vertical stage", "MergeVerticalStageExecuteMilliseconds", 1000.0),
    ("merges: projections and text index", "MergeProjectionStageExecuteMilliseconds", 1000.0),
    ("merges: text index", "MergeTextIndexStageExecuteMilliseconds", 1000.0),
];
const COUNTS: &[&str] = &[
    "InsertedRows",
    "InsertedBytes",
    "MergedRows",
    "Merge",
    "MergeTreeDataWriterBlocks",
    "MergeTreeDataWriterCompressedBytes",
];

/// Everything that is counted, at one moment.
pub struct Profile {
    server: Use,
    engine: Use,
    stages: BTreeMap<&'static str, f64>,
    counters: BTreeMap<String, f64>,
}

impl Profile {
    pub async fn of(server: &Server) -> Result<Self> {
        let mut stages = BTreeMap::new();
        for (name, metric) in SERVER {
            stages.insert(*name, server.metric(metric).await?);
        }
        let rows = server.engine.query(&server.client, "SELECT event, value FROM system.events").await?;
        let counter = |row: Vec<String>| Some((row.first()?.clone(), row.get(1)?.parse().ok()?));
        Ok(Self {
            server: process::usage(server.pid()?).context("the server runs")?,
            engine: process::usage(server.engine.pid()?).context("the engine runs")?,
            stages,
            counters: rows.into_iter().filter_map(counter).collect(),
        })
    }

    #[allow(clippy::print_stdout, reason = "the result is for a person")]
    pub fn print_since(&self, before: &Self, events: f64) {
        let cpu = |after: Use, before: Use| (after.cpu_s - before.cpu_s) * 1e6 / events;
        let (server, engine) = (cpu(self.server, before.server), cpu(self.engine, before.engine));
        println!("CPU of the server           {server:.1} µs per event");
        println!("CPU of the engine           {engine:.1} µs per event, {:.1} together", server + engine);
        println!("peak memory of the server   {:.0} MB", self.server.peak_memory_bytes as f64 / 1e6);
        println!("peak memory of the engine   {:.0} MB", self.engine.peak_memory_bytes as f64 / 1e6);
        println!("time of the stages, µs per event; those that wait or run side by side count in full:");
        for (name, _) in SERVER {
            let seconds = self.stages[name] - before.stages[name];
            println!("  server  {name:<42} {:>6.2}", seconds * 1e6 / events);
        }
        let since = |name: &str| {
            let of = |profile: &Self| profile.counters.get(name).copied().unwrap_or(0.0);
            of(self) - of(before)
        };
        for (name, counter, microseconds) in ENGINE {
            if since(counter) > 0.0 {
                println!("  engine  {name:<42} {:>6.2}", since(counter) * microseconds / events);
            }
        }
        let counts: Vec<String> = COUNTS.iter().map(|name| format!("{name} {:.0}", since(name))).collect();
        println!("engine: {}", counts.join(", "));
    }
}
