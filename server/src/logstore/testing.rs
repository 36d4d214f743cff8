//! A log store of its own for one test: a real engine on an empty folder.

use std::process::Command;

use tempfile::TempDir;
use uuid::Uuid;

use super::{Engine, EngineSettings, LogBlock, LogRow, LogStore};
use crate::tenant::TenantScope;

pub struct TestStore {
    pub store: LogStore,
    pub engine: Engine,
    pub folder: TempDir,
}

/// Builds the engine if it is not up to date, unless `cargo xtask test` has built it, and finds its library.
pub fn engine_settings(data_dir: &std::path::Path) -> EngineSettings {
    if std::env::var_os("CORDWOOD_TEST_PROGRAMS_BUILT").is_none() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "engine"]).status();
        assert!(built.unwrap().success(), "the engine does not build");
    }
    let library = std::env::var_os("CORDWOOD_ENGINE_LIBRARY").unwrap_or_default();
    EngineSettings::find("".as_ref(), library.as_ref(), data_dir).unwrap()
}

impl TestStore {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(engine_settings(folder.path())).await.unwrap();
        let store = engine.store();
        store.prepare().await.unwrap();
        Self { store, engine, folder }
    }
}

pub fn tenant(number: u128) -> TenantScope {
    TenantScope::of_job(Uuid::from_u128(number))
}

/// Noon of a day that is not yet due for deletion, and before the end of the accepted range.
pub fn noon_ns() -> i64 {
    let day = 86_400_000_000_000;
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    now / day * day + day / 2
}

/// A row with a message, one millisecond after the one before it.
pub fn row<'a>(scope: &TenantScope, number: u32, message: &'a str) -> LogRow<'a> {
    LogRow {
        tenant_id: scope.organization_id(),
        project_id: Uuid::from_u128(7),
        timestamp_ns: noon_ns() + i64::from(number) * 1_000_000,
        received_at_ms: noon_ns() / 1_000_000,
        level: 3,
        source: "api",
        host: "web-1",
        message,
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
        span_id: "",
        pattern_id: u64::MAX,
        attributes: "{}",
        batch_id: 1,
        batch_row: number,
        retention_days: 30,
    }
}

/// `count` rows of one tenant.
pub fn block(scope: &TenantScope, count: u32) -> LogBlock {
    let mut block = LogBlock::default();
    for number in 0..count {
        block.push(&row(scope, number, &format!("line {number}")));
    }
    block
}
