//! Takes rows out of ClickHouse for good: a mutation writes the parts that hold them anew, without them.
//!
//! Every statement names the tenant, and returns when it is done everywhere. Running one again does nothing.

use super::LogStore;
use super::error::LogStoreError;
use super::schema::TENANT_TABLES;
use crate::tenant::TenantScope;
use query_lang::sql::EventKey;
use std::fmt::Write;
use std::time::Duration;
use uuid::Uuid;

const COUNT_TIMEOUT: Duration = Duration::from_secs(60);
/// Large parts take their time to be written anew.
const ERASE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Some of a tenant's rows.
#[derive(Debug, Clone, Copy)]
pub enum Rows {
    All,
    Project(Uuid),
    /// Those of a project that were stored for more days than these, and are older than this time in nanoseconds.
    Outlived {
        project_id: Uuid,
        retention_days: u16,
        before_ns: i64,
    },
}

impl Rows {
    /// The condition, made of nothing but ids and numbers.
    fn condition(self, scope: &TenantScope) -> String {
        let tenant = format!("tenant_id = '{}'", scope.organization_id());
        match self {
            Self::All => tenant,
            Self::Project(project_id) => format!("{tenant} AND project_id = '{project_id}'"),
            Self::Outlived { project_id, retention_days, before_ns } => format!(
                "{tenant} AND project_id = '{project_id}' AND retention_days > {retention_days} \
                 AND timestamp < fromUnixTimestamp64Nano(toInt64({before_ns}), 'UTC')"
            ),
        }
    }
}

impl LogStore {
    /// How many log rows these are.
    ///
    /// # Errors
    /// ClickHouse cannot be asked.
    pub async fn count_rows(&self, scope: &TenantScope, rows: Rows) -> Result<u64, LogStoreError> {
        let sql = format!("SELECT count() FROM logs WHERE {}", rows.condition(scope));
        let query = self.client()?.query_raw(&sql);
        let answer = tokio::time::timeout(COUNT_TIMEOUT, query.fetch_one::<u64>()).await;
        Ok(answer.map_err(|_| LogStoreError::unavailable("no answer in time"))??)
    }

    /// Erases them, also from what was computed of them when a whole project or tenant goes.
    ///
    /// # Errors
    /// ClickHouse did not do it, or not in time: it may be asked again.
    pub async fn erase_rows(&self, scope: &TenantScope, rows: Rows) -> Result<(), LogStoreError> {
        let tables: &[&str] = match rows {
            Rows::All | Rows::Project(_) => TENANT_TABLES,
            Rows::Outlived { .. } => &["logs"],
        };
        for table in tables {
            self.erase_where(table, &rows.condition(scope)).await?;
        }
        Ok(())
    }

    /// Erases single events of a project.
    ///
    /// # Errors
    /// As `erase_rows`.
    pub async fn erase_events(
        &self,
        scope: &TenantScope,
        project_id: Uuid,
        keys: &[EventKey],
    ) -> Result<(), LogStoreError> {
        let times = keys.iter().map(|key| key.timestamp_ns);
        let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(()) };
        let mut condition = Rows::Project(project_id).condition(scope);
        let _ = write!(
            condition,
            " AND timestamp >= fromUnixTimestamp64Nano(toInt64({first}), 'UTC') \
             AND timestamp <= fromUnixTimestamp64Nano(toInt64({last}), 'UTC') AND (batch_id, batch_row) IN ("
        ); // writing into a String cannot fail
        for key in keys {
            let _ = write!(condition, "({},{}),", key.batch_id, key.batch_row);
        }
        condition.pop();
        condition.push(')');
        self.erase_where("logs", &condition).await
    }

    async fn erase_where(&self, table: &str, condition: &str) -> Result<(), LogStoreError> {
        let sql = format!("ALTER TABLE {table} DELETE WHERE {condition}");
        let statement = self
            .client()?
            .query_raw(&sql)
            .with_setting("mutations_sync", "2")
            // A list of events is long, and ours.
            .with_setting("max_query_size", "67108864")
            .with_setting("max_ast_elements", "10000000")
            .with_setting("max_expanded_ast_elements", "10000000");
        let done = tokio::time::timeout(ERASE_TIMEOUT, statement.execute()).await;
        done.map_err(|_| LogStoreError::unavailable("rows are still being erased"))??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_names_the_tenant() {
        let (tenant, project_id) = (Uuid::now_v7(), Uuid::now_v7());
        let scope = TenantScope::of_job(tenant);
        let outlived = Rows::Outlived { project_id, retention_days: 7, before_ns: 5 };
        for rows in [Rows::All, Rows::Project(project_id), outlived] {
            assert!(rows.condition(&scope).starts_with(&format!("tenant_id = '{tenant}'")), "{rows:?}");
        }
        assert!(outlived.condition(&scope).contains("retention_days > 7"));
    }
}
