//! Which state the stored logs of some days are in: two equal states hold the same rows.
//!
//! Every insert takes a new block number and every erasure a new data version, and what expires takes its rows along.
//! Merges change none of these.

use std::time::Duration;

use super::LogStore;
use super::error::LogStoreError;

const PATIENCE: Duration = Duration::from_secs(2);
const DAY_NS: i64 = 86_400_000_000_000;

const ASK: &str = "SELECT sum(cityHash64(day, numbers)) FROM ( \
     SELECT partition_id AS day, (sum(rows), max(max_block_number), max(data_version)) AS numbers FROM system.parts \
     WHERE database = currentDatabase() AND table = 'logs' AND active \
     AND toUInt32OrZero(substring(partition_id, 1, 8)) \
     BETWEEN toYYYYMMDD(toDate({from:Int32})) AND toYYYYMMDD(toDate({to:Int32})) GROUP BY day)";

/// A number that is another one after every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(u64);

impl LogStore {
    /// The state of the logs, of all tenants, of the days that `[from_ns, to_ns)` touches.
    ///
    /// # Errors
    /// ClickHouse cannot be asked.
    pub async fn state(&self, from_ns: i64, to_ns: i64) -> Result<State, LogStoreError> {
        let day = |ns: i64| ns.div_euclid(DAY_NS).clamp(0, 47_481) as i32;
        let client = self.client()?;
        let ask = client.query_raw(ASK).param("from", day(from_ns)).param("to", day(to_ns));
        let answer = tokio::time::timeout(PATIENCE, ask.fetch_one::<u64>()).await;
        Ok(State(answer.map_err(|_| LogStoreError::unavailable("no answer in time"))??))
    }
}
