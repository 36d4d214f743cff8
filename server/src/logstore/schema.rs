//! Brings ClickHouse's schema up to date, and checks that it is what Cordwood's promises rest on.
//!
//! Migrations are numbered, and each can be run again: several nodes may start at once. A database made by a newer
//! Cordwood, a server that is too old, and a table whose settings lost their durability are refused.

use std::collections::HashMap;
use std::time::Duration;

use clickhouse::Client;

use super::block::COLUMNS;
use super::error::LogStoreError;

pub(super) const LOGS: &str = "logs";

/// The tables that hold rows of tenants; each has a column `tenant_id`.
pub(super) const TENANT_TABLES: &[&str] = &[LOGS];

/// The text index is for everybody since this version.
const OLDEST_VERSION: (u32, u32) = (26, 2);

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "logs", sql: include_str!("../../../migrations/clickhouse/0001_logs.sql") },
    Migration {
        version: 2,
        name: "rollups",
        sql: include_str!("../../../migrations/clickhouse/0002_rollups.sql"),
    },
    Migration {
        version: 3,
        name: "compact_parts",
        sql: include_str!("../../../migrations/clickhouse/0003_compact_parts.sql"),
    },
    Migration {
        version: 4,
        name: "retention_of_projects",
        sql: include_str!("../../../migrations/clickhouse/0004_retention_of_projects.sql"),
    },
];

const VERSIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_versions \
     (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) \
     ENGINE = MergeTree ORDER BY version";

/// Settings of `logs` without which an acknowledged event could be lost or stored twice.
const WANTED_SETTINGS: &[(&str, &str)] = &[
    ("non_replicated_deduplication_window", "10000"),
    ("fsync_after_insert", "1"),
    ("fsync_part_directory", "1"),
    ("min_rows_to_fsync_after_merge", "1"),
    ("ttl_only_drop_parts", "1"),
];

/// What inserts must know about the table.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The full type of `attributes`; promoted paths show up in it.
    pub json_type: String,
}

/// Where nodes migrate at once, one may find that another was faster with a statement that works once. Then either that one brings
/// the migration to its end, or all of it works from its beginning.
const ATTEMPTS: u32 = 10;

const PREPARE_TIMEOUT: Duration = Duration::from_secs(120);

/// Migrates and checks.
pub(super) async fn prepare(client: &Client) -> Result<Layout, LogStoreError> {
    let prepared = tokio::time::timeout(PREPARE_TIMEOUT, migrate_and_check(client)).await;
    prepared.map_err(|_| LogStoreError::unavailable("the schema is not answered in time"))?
}

async fn migrate_and_check(client: &Client) -> Result<Layout, LogStoreError> {
    check_version(&client.query_raw("SELECT version()").fetch_one::<String>().await?)?;
    migrate(client).await?;
    let engine = client
        .query_raw(
            "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'logs'",
        )
        .fetch_one::<String>()
        .await?;
    check_settings(&engine)?;
    let columns = client
        .query_raw(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'logs'",
        )
        .fetch_all::<(String, String)>()
        .await?;
    check_columns(&columns.into_iter().collect())
}

async fn migrate(client: &Client) -> Result<(), LogStoreError> {
    client.query_raw(VERSIONS_TABLE).execute().await?;
    let reached = version(client).await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if reached > known {
        return Err(LogStoreError::Setup(format!(
            "its schema has version {reached}, this Cordwood knows {known}: start the newer Cordwood again"
        )));
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > reached) {
        let mut attempt = 1;
        while let Err(error) = apply(client, migration).await {
            tokio::time::sleep(Duration::from_millis(rand::random_range(20..400))).await;
            if version(client).await? >= migration.version {
                break;
            }
            if attempt == ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
        }
        tracing::info!(
            schema.version = migration.version,
            "ClickHouse schema is at version {}",
            migration.version
        );
    }
    Ok(())
}

async fn version(client: &Client) -> Result<u32, LogStoreError> {
    Ok(client.query_raw("SELECT max(version) FROM schema_versions").fetch_one::<u32>().await?)
}

async fn apply(client: &Client, migration: &Migration) -> Result<(), LogStoreError> {
    for statement in statements(migration.sql) {
        client.query_raw(statement).execute().await?;
        failpoint::reach("migrating");
    }
    client
        .query_raw("INSERT INTO schema_versions (version, name) SELECT {version:UInt32}, {name:String}")
        .param("version", migration.version)
        .param("name", migration.name)
        .execute()
        .await?;
    Ok(())
}

/// The statements of a migration: each ends with a semicolon at the end of a line.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n")
        .map(|statement| statement.trim().trim_end_matches(';'))
        .filter(|statement| !statement.is_empty())
}

fn check_version(version: &str) -> Result<(), LogStoreError> {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= OLDEST_VERSION {
        return Ok(());
    }
    let (major, minor) = OLDEST_VERSION;
    Err(LogStoreError::Setup(format!("it is ClickHouse {version}; Cordwood needs {major}.{minor} or newer")))
}

/// `engine` is like `MergeTree PARTITION BY … SETTINGS a = 1, b = 2`.
fn check_settings(engine: &str) -> Result<(), LogStoreError> {
    if !engine.starts_with("MergeTree") {
        let name = engine.split([' ', '(']).next().unwrap_or_default();
        return Err(LogStoreError::Setup(format!(
            "`logs` has the table engine {name}; only MergeTree is supported"
        )));
    }
    let settings: HashMap<&str, &str> = engine
        .rsplit_once("SETTINGS ")
        .map(|(_, settings)| settings.split(", ").filter_map(|setting| setting.split_once(" = ")).collect())
        .unwrap_or_default();
    for (name, wanted) in WANTED_SETTINGS {
        if settings.get(name) != Some(wanted) {
            return Err(LogStoreError::Setup(format!(
                "the setting {name} of `logs` is {}: run ALTER TABLE logs MODIFY SETTING {name} = {wanted}",
                settings.get(name).unwrap_or(&"not set"),
            )));
        }
    }
    Ok(())
}

fn check_columns(columns: &HashMap<String, String>) -> Result<Layout, LogStoreError> {
    let json_type = columns.get("attributes").cloned().unwrap_or_default();
    for (name, wanted) in COLUMNS {
        let found = columns.get(*name).map_or("missing", String::as_str);
        let fits = if *wanted == "JSON" { found.starts_with("JSON") } else { found == *wanted };
        if !fits {
            return Err(LogStoreError::Setup(format!(
                "the column {name} of `logs` is {found} and not {wanted}"
            )));
        }
    }
    Ok(Layout { json_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "MergeTree ORDER BY x SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = \
                          10000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, \
                          index_granularity = 8192";

    fn refusal(outcome: Result<(), LogStoreError>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn migrations_are_numbered_without_gaps() {
        let versions: Vec<u32> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_table_that_lost_its_durability_is_refused_with_the_cure() {
        assert!(check_settings(ENGINE).is_ok());
        let careless = ENGINE.replace("fsync_after_insert = 1", "fsync_after_insert = 0");
        assert!(refusal(check_settings(&careless)).contains("MODIFY SETTING fsync_after_insert = 1"));
        assert!(refusal(check_settings("MergeTree ORDER BY x")).contains("not set"));
        assert!(refusal(check_settings("Memory")).contains("Memory"));
    }

    #[test]
    fn a_server_that_is_too_old_is_refused() {
        assert!(check_version("26.7.2.1").is_ok());
        assert!(refusal(check_version("25.8.1.1")).contains("26.2"));
    }

    #[test]
    fn every_table_of_tenants_is_made_by_a_migration() {
        for table in TENANT_TABLES {
            let made = format!("CREATE TABLE IF NOT EXISTS {table}\n");
            assert!(MIGRATIONS.iter().any(|migration| migration.sql.contains(&made)), "{table}");
        }
    }
}
