//! Drops days of logs that are over.
//!
//! A partition holds a day of all tenants, of the rows that were stored for so many days. When these have passed, the partition is
//! dropped, which costs nothing. Where a project keeps its logs for longer now, its rows stay until its own time is over and the
//! others are erased. Days go as a whole, after their last moment; running it again, or on two nodes at once, does nothing.

use super::LogStore;
use super::error::LogStoreError;
use crate::time::{DAY_US, Micros};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

const ASK_TIMEOUT: Duration = Duration::from_secs(60);
/// Large parts take their time to be written anew.
const ERASE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

const PARTITIONS: &str = "SELECT partition_id, sum(rows) FROM system.parts \
     WHERE database = currentDatabase() AND table = 'logs' AND active GROUP BY partition_id ORDER BY partition_id";

/// How many days each project keeps its logs now.
pub type Retentions = HashMap<Uuid, u16>;

/// A day of logs that were stored for some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Partition {
    ends_at: Micros,
    retention_days: u16,
}

impl Partition {
    /// `20260310-30`
    fn of_id(id: &str) -> Option<Self> {
        let (day, retention_days) = id.split_once('-')?;
        let date = jiff::civil::Date::strptime("%Y%m%d", day).ok()?;
        let begins = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond();
        Some(Self { ends_at: begins + DAY_US, retention_days: retention_days.parse().ok()? })
    }

    fn is_over(self, days: u16, now: Micros) -> bool {
        self.ends_at + i64::from(days) * DAY_US <= now
    }

    /// Projects whose rows in it are not over yet, although it is.
    fn kept(self, projects: &Retentions, now: Micros) -> impl Iterator<Item = Uuid> + '_ {
        let is_kept =
            move |(_, days): &(&Uuid, &u16)| **days > self.retention_days && !self.is_over(**days, now);
        projects.iter().filter(is_kept).map(|(id, _)| *id)
    }
}

impl LogStore {
    /// Drops what is over at `now`. Rows of a project that is not named are over after the days that they were stored for. Tells
    /// how many rows went.
    ///
    /// # Errors
    /// ClickHouse did not do all of it: it may be asked again.
    pub async fn expire(&self, projects: &Retentions, now: Micros) -> Result<u64, LogStoreError> {
        let found = self.client()?.query_raw(PARTITIONS);
        let found = in_time(ASK_TIMEOUT, found.fetch_all::<(String, u64)>()).await?;
        let mut gone = 0;
        for (id, rows) in found {
            let Some(partition) = Partition::of_id(&id) else {
                tracing::warn!(partition = %id, "a partition of `logs` has a name that is not understood");
                continue;
            };
            if partition.is_over(partition.retention_days, now) {
                let kept: Vec<Uuid> = partition.kept(projects, now).collect();
                gone += self.drop_but(&id, rows, &kept).await?;
            }
        }
        Ok(gone)
    }

    /// Takes everything out of a partition but the rows of some projects.
    async fn drop_but(&self, id: &str, rows: u64, kept: &[Uuid]) -> Result<u64, LogStoreError> {
        let others = if kept.is_empty() { rows } else { self.rows_of_others(id, kept).await? };
        let statement = match others {
            0 => return Ok(0),
            _ if others >= rows => format!("ALTER TABLE logs DROP PARTITION ID '{id}'"),
            _ => format!(
                "ALTER TABLE logs DELETE IN PARTITION ID '{id}' WHERE project_id NOT IN ({})",
                list(kept)
            ),
        };
        let statement = self.client()?.query_raw(&statement).with_setting("mutations_sync", "2");
        in_time(ERASE_TIMEOUT, statement.execute()).await?;
        Ok(others)
    }

    async fn rows_of_others(&self, id: &str, kept: &[Uuid]) -> Result<u64, LogStoreError> {
        let sql = format!(
            "SELECT count() FROM logs WHERE _partition_id = '{id}' AND project_id NOT IN ({})",
            list(kept)
        );
        in_time(ASK_TIMEOUT, self.client()?.query_raw(&sql).fetch_one::<u64>()).await
    }
}

/// Ids need no quoting beyond the marks.
fn list(ids: &[Uuid]) -> String {
    ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
}

async fn in_time<T, E: Into<LogStoreError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, LogStoreError> {
    let done = tokio::time::timeout(limit, work).await;
    done.map_err(|_| LogStoreError::unavailable("old days are still being dropped"))?.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestStore, noon_ns, row, tenant};
    use super::super::{LogBlock, LogRow};
    use super::*;

    #[test]
    fn a_day_is_over_after_its_last_moment() {
        let day = Partition::of_id("19700102-7").unwrap();
        assert_eq!(day, Partition { ends_at: 2 * DAY_US, retention_days: 7 });
        assert!(!day.is_over(7, 9 * DAY_US - 1));
        assert!(day.is_over(7, 9 * DAY_US));
        for wrong in ["", "all", "19700102", "19700102-x", "1970-01-02-7"] {
            assert_eq!(Partition::of_id(wrong), None, "{wrong}");
        }
    }

    const LONGER: Uuid = Uuid::from_u128(1);
    const USUAL: Uuid = Uuid::from_u128(2);
    const UNKNOWN: Uuid = Uuid::from_u128(3);

    impl TestStore {
        async fn add(&self, number: u32, project_id: Uuid, retention_days: u16) {
            let mut block = LogBlock::default();
            for more in 0..5 {
                let whole = row(&tenant(1), number * 10 + more, "a line");
                block.push(&LogRow { project_id, retention_days, batch_id: u64::from(number), ..whole });
            }
            self.store.insert(&block.encode(), &format!("batch {number}")).await.unwrap();
        }

        async fn rows(&self, project_id: Uuid) -> u64 {
            let sql = format!("SELECT count() FROM logs WHERE project_id = '{project_id}'");
            self.store.client().unwrap().query_raw(&sql).fetch_one::<u64>().await.unwrap()
        }

        async fn all_rows(&self) -> [u64; 3] {
            [self.rows(LONGER).await, self.rows(USUAL).await, self.rows(UNKNOWN).await]
        }
    }

    /// Days after the day of the rows.
    fn after(days: i64) -> Micros {
        noon_ns() / 1_000 / DAY_US * DAY_US + (days + 1) * DAY_US
    }

    #[tokio::test]
    async fn rows_go_by_the_retention_that_their_project_has_now() {
        let test = TestStore::start().await;
        for (number, project_id, days) in [(1, LONGER, 7), (2, USUAL, 7), (3, UNKNOWN, 7), (4, LONGER, 30)] {
            test.add(number, project_id, days).await;
        }
        let projects = Retentions::from([(LONGER, 30), (USUAL, 7)]);
        let expire = async |now| test.store.expire(&projects, now).await.unwrap();

        assert_eq!(expire(after(7) - 1).await, 0);
        assert_eq!(test.all_rows().await, [10, 5, 5]);
        assert_eq!(expire(after(7)).await, 10, "the rows of the others");
        assert_eq!(test.all_rows().await, [10, 0, 0], "those of the project that keeps for longer stay");
        assert_eq!(expire(after(29)).await, 0);
        assert_eq!(test.all_rows().await, [10, 0, 0]);
        assert_eq!(expire(after(30)).await, 10);
        assert_eq!(test.all_rows().await, [0, 0, 0]);
        test.engine.stop().await;
    }

    #[tokio::test]
    async fn a_retention_that_became_longer_and_shorter_again_counts_as_it_is() {
        let test = TestStore::start().await;
        test.add(1, LONGER, 7).await;
        let kept_for = |days| Retentions::from([(LONGER, days)]);
        assert_eq!(test.store.expire(&kept_for(90), after(40)).await.unwrap(), 0);
        assert_eq!(test.store.expire(&kept_for(30), after(40)).await.unwrap(), 5);
        test.add(2, USUAL, 7).await;
        assert_eq!(test.store.expire(&Retentions::new(), after(7)).await.unwrap(), 5, "nobody is known");
        test.engine.stop().await;
    }
}
