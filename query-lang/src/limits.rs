//! How large a query may be. One place, so that the browser and the server refuse the same things.

/// Bytes of query text.
pub const SOURCE_BYTES: usize = 16 * 1024;
/// Brackets and signs around one term.
pub const NESTING: usize = 32;
pub const TERMS: usize = 512;
/// `+ - * / %` in all expressions together, which nest as deep as they are many.
pub const OPERATORS: usize = 256;
pub const STAGES: usize = 32;
pub const AGGREGATES: usize = 32;
pub const KEYS: usize = 16;
pub const REGEX_BYTES: usize = 512;
pub const REGEXES: usize = 32;
pub const PATH_BYTES: usize = 256;
pub const PATH_SEGMENTS: usize = 16;
pub const PLACEHOLDERS: usize = 16;
pub const LIST_VALUES: usize = 1_000;
/// Rows of `limit`, and groups of `top`, `dedup` …
pub const ROWS: u64 = 10_000;
pub const SUBQUERIES: usize = 4;
pub const SUBQUERY_DEPTH: usize = 2;
pub const SERIES: u64 = 100;
pub const BINS: i64 = 2_000;
/// Values that `in { }` may give.
pub const SUBQUERY_VALUES: u64 = 10_000;
pub const GROUPS: u64 = 100_000;
pub const JOIN_ROWS: u64 = 100_000;
/// Rule calls of the parser; a query of 16 KiB needs far fewer.
pub(crate) const PARSER_CALLS: usize = 2_000_000;
