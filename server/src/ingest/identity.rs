//! Who an event is: known as soon as it is acknowledged, and the same in the log store, in live tails and in links.
//!
//! The columns `batch_id` and `batch_row` say where the event stands in the write-ahead log: which request, and which row of it.
//! Together with the event's time they are its public id. A request's number rises with its position in the log.

use query_lang::sql::EventKey;
use sha2::{Digest, Sha256};
use wal::Lsn;

/// Positions of one log have these bits; the ones above tell logs of several nodes apart.
const POSITION_BITS: u32 = 40;

/// The number of a request in the column `batch_id`.
#[must_use]
pub fn request_number(log_id: &[u8; 16], lsn: Lsn) -> u64 {
    let hash = Sha256::digest(log_id);
    let log = u64::from_le_bytes(std::array::from_fn(|i| hash[i]));
    (log << POSITION_BITS) | (lsn & ((1 << POSITION_BITS) - 1))
}

/// The key behind the public id of one row of a request.
#[must_use]
pub fn event_key(request_number: u64, row: u32, timestamp_ns: i64) -> EventKey {
    EventKey { timestamp_ns, batch_id: request_number, batch_row: row }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_with_positions_and_differ_between_logs() {
        let number = |log: u8, lsn| request_number(&[log; 16], lsn);

        assert!(number(1, 1) < number(1, 2) && number(1, 255) < number(1, 256));
        assert_eq!(number(1, 70_000) - number(1, 69_000), 1000);
        assert_ne!(number(1, 5), number(2, 5));
    }
}
