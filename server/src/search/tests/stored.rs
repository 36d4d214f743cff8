//! The fixture of the language in a log store, and queries over it.

use super::fixture::{self, Stored, scope};
use crate::logstore::testing::TestStore;
use crate::logstore::{Answer, LogBlock, LogRow, LogStoreError, QueryLimits, Search};
use crate::tenant::TenantScope;
use query_lang::sql::{self, Compiled, EVENT_COLUMNS, Request, Wire, compile};
use query_lang::{Checked, Diagnostic};
use serde_json::Value;
use uuid::Uuid;

/// A store with the events of the fixture, all in one project of two tenants.
pub struct Fixture {
    pub store: TestStore,
    pub events: Vec<Stored>,
}

pub const PROJECT: Uuid = Uuid::from_u128(0xb1);

/// The tenant that the corpus speaks of.
pub fn tenant() -> TenantScope {
    TenantScope::of_job(Uuid::from_u128(0xa1))
}

impl Fixture {
    pub async fn start() -> Self {
        let (store, events) = (TestStore::start().await, fixture::fixture());
        let mut block = LogBlock::default();
        for stored in &events {
            let organization = if stored.tenant == "t1" { 0xa1 } else { 0xa2 };
            push(&mut block, Uuid::from_u128(organization), stored);
        }
        store.store.insert(&block.encode(), "fixture").await.unwrap();
        Self { store, events }
    }

    /// Rows of a query over the fixture's tenant.
    pub async fn run(&self, compiled: Compiled) -> Result<Answer, LogStoreError> {
        run(&self.store, compiled, sql::SETTINGS).await
    }

    /// The fixture's name of an event row.
    pub fn name(&self, row: &[Value]) -> &str {
        &self.event(row).name
    }

    pub fn event(&self, row: &[Value]) -> &Stored {
        let key = super::super::respond::key_of(row).unwrap();
        self.events.iter().find(|stored| stored.key == key).unwrap()
    }
}

/// Rows of a query over the tenant that the corpus speaks of.
pub async fn run(
    store: &TestStore,
    compiled: Compiled,
    settings: &'static [(&'static str, &'static str)],
) -> Result<Answer, LogStoreError> {
    let limits = QueryLimits::interactive();
    let search = Search { sql: compiled.sql, parameters: compiled.parameters, settings, limits };
    store.store.query(&tenant(), &search).await
}

fn push(block: &mut LogBlock, organization: Uuid, stored: &Stored) {
    let event = stored.event();
    let attributes = serde_json::to_string(event.attributes).unwrap();
    block.push(&LogRow {
        tenant_id: organization,
        project_id: PROJECT,
        timestamp_ns: event.timestamp_ns,
        received_at_ms: event.timestamp_ns / 1_000_000,
        level: event.level.map_or(0, |level| level as u8),
        source: event.source,
        host: event.host,
        message: event.message,
        trace_id: event.trace_id,
        span_id: event.span_id,
        pattern_id: ::event::pattern::id(event.message),
        attributes: &attributes,
        batch_id: stored.key.batch_id,
        batch_row: stored.key.batch_row,
        // Beyond the end of this century: the fixture's times are fixed.
        retention_days: u16::MAX,
    });
}

pub fn compiled(checked: &Checked, request: &Request) -> Result<Compiled, Diagnostic> {
    let request = Request { from_ns: checked.from_ns, to_ns: checked.to_ns, ..request.clone() };
    compile(&checked.query, &scope(), &request)
}

/// A row of a table with its times as people see them.
pub fn shown(compiled: &Compiled, row: Vec<Value>) -> Value {
    let cell = |(column, value): (&sql::OutputColumn, Value)| match (column.wire, value.as_i64()) {
        (Wire::TimeNs, Some(ns)) => super::super::respond::rfc3339(ns).into(),
        _ => value,
    };
    compiled.columns.iter().zip(row).map(cell).collect()
}

/// The value of a computed column of an event row.
pub fn computed<'r>(compiled: &Compiled, row: &'r [Value], name: &str) -> &'r Value {
    let after = EVENT_COLUMNS.len();
    let place = compiled.columns.iter().skip(after).position(|column| column.column.name == name);
    &row[after + place.unwrap()]
}
