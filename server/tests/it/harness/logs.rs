//! Servers with an engine behind them, and events in it. The test may look into the engine itself.

use super::{Org, TestApp, eventually};
use crate::support::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server whose ClickHouse is an engine of this test.
pub struct LogApp {
    pub app: TestApp,
    pub engine: Engine,
    _folder: TempDir,
}

impl LogApp {
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// The same with more flags.
    pub async fn spawn_with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let engine = Engine::on(folder.path());
        let app = TestApp::spawn_on(&engine.clickhouse_url(), flags).await;
        Self { app, engine, _folder: folder }
    }
}

impl TestApp {
    /// A server on a ClickHouse that is there, without limits on how much may be sent.
    pub async fn spawn_on(clickhouse_url: &str, flags: &[&str]) -> Self {
        let unlimited = [
            "--clickhouse-url",
            clickhouse_url,
            "--ingest-bytes-per-second=0",
            "--ingest-events-per-second=0",
        ];
        Self::start(&[&unlimited, flags].concat()).await
    }
}

impl Org {
    /// Sends events and waits until all of the project's can be found.
    pub async fn send(&self, events: &[Value]) {
        let before = self.stored().await;
        let answer = self.post("/api/v1/logs/ingest", json!(events)).await.expect(202);
        assert_eq!(answer.body["accepted"], events.len(), "{}", answer.text);
        let wanted = before + events.len() as u64;
        eventually("the events to be found", async || (self.stored().await >= wanted).then_some(())).await;
    }

    /// How many events the project has.
    pub async fn stored(&self) -> u64 {
        let search = json!({"query": "* | stats count() as n", "from": "now-30d", "to": "now+1h"});
        let answer = self.post("/api/v1/logs/search", search).await.expect(200);
        answer.body["rows"][0]["n"].as_u64().expect("a count")
    }

    /// A search of the last hour.
    pub async fn search(&self, query: &str) -> Value {
        let search = json!({"query": query, "from": "now-1h", "to": "now+1m"});
        self.post("/api/v1/logs/search", search).await.expect(200).body
    }
}
