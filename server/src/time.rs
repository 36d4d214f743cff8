//! Time at the edges: microseconds since the epoch in the metadata, RFC 3339 on the wire.

use jiff::Timestamp;

/// Microseconds since the epoch, UTC.
pub type Micros = i64;

#[must_use]
pub fn now_us() -> Micros {
    Timestamp::now().as_microsecond()
}

/// RFC 3339 in UTC, as the API shows times.
#[must_use]
pub fn rfc3339(us: Micros) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| "9999-12-31T23:59:59Z".into(), |time| time.to_string())
}

pub const SECOND_US: Micros = 1_000_000;
pub const MINUTE_US: Micros = 60 * SECOND_US;
pub const HOUR_US: Micros = 60 * MINUTE_US;
pub const DAY_US: Micros = 24 * HOUR_US;
