//! What can go wrong between Cordwood and ClickHouse, sorted by what can be done about it.

use crate::error::{Problem, ProblemKind};

/// ClickHouse's own words. They name tables and hosts, so they are for our logs only.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

#[derive(Debug, thiserror::Error)]
pub enum LogStoreError {
    /// No contact, or no answer. The same again may work.
    #[error("the log store is not available")]
    Unavailable {
        #[source]
        cause: Cause,
    },
    /// It is there and says "not now": memory, too many parts, read-only, quota.
    #[error("the log store is overloaded")]
    Busy {
        code: u32,
        #[source]
        cause: Cause,
    },
    /// The search asked for more than its limits allow.
    #[error("{}", advice(*.code))]
    Limit {
        code: u32,
        #[source]
        cause: Cause,
    },
    #[error("the statement was cancelled")]
    Cancelled {
        #[source]
        cause: Cause,
    },
    /// The rows themselves are refused: without the bad ones the others go in.
    #[error("the log store refused rows of a batch")]
    Rows {
        code: u32,
        #[source]
        cause: Cause,
    },
    /// The statement is refused: a mistake of ours, missing rights, a missing table.
    #[error("the log store refused a statement")]
    Refused {
        code: u32,
        #[source]
        cause: Cause,
    },
    #[error("the log store's answer cannot be read")]
    Answer {
        #[source]
        cause: Cause,
    },
    /// This ClickHouse must not be used as it is.
    #[error("the log store cannot be used: {0}")]
    Setup(String),
}

impl LogStoreError {
    pub(super) fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable { cause: Cause(reason.to_string()) }
    }

    pub(super) fn answer(reason: impl ToString) -> Self {
        Self::Answer { cause: Cause(reason.to_string()) }
    }

    /// ClickHouse's code for what went wrong, when it said one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Busy { code, .. }
            | Self::Limit { code, .. }
            | Self::Rows { code, .. }
            | Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same statement may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. } | Self::Cancelled { .. })
    }

    /// Message and cause in one line, for our logs.
    #[must_use]
    pub fn chain(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// The meaning of an exception of ClickHouse.
    fn of_exception(code: u32, message: String) -> Self {
        let cause = Cause(message);
        match code {
            // CANNOT_READ_FROM_SOCKET, CANNOT_WRITE_TO_SOCKET, NO_FREE_CONNECTION, SOCKET_TIMEOUT, NETWORK_ERROR,
            // ABORTED, ALL_CONNECTION_TRIES_FAILED
            95 | 96 | 203 | 209 | 210 | 236 | 279 => Self::Unavailable { cause },
            // QUERY_WAS_CANCELLED, QUERY_WAS_CANCELLED_BY_CLIENT
            394 | 735 => Self::Cancelled { cause },
            // The disk: CANNOT_READ_, CANNOT_WRITE_, CANNOT_OPEN_, CANNOT_CLOSE_, CANNOT_FSYNC, NOT_ENOUGH_SPACE,
            // CANNOT_CREATE_FILE, and STD_EXCEPTION, as which the file system's own errors come
            74..=77 | 204 | 243 | 294 | 586 | 1001 => Self::Busy { code, cause },
            // CANNOT_ALLOCATE_MEMORY, QUOTA_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES, TABLE_IS_READ_ONLY,
            // TOO_MANY_PARTS, CANNOT_SCHEDULE_TASK, TOO_MANY_MUTATIONS, …CONNECTION_LIMIT_REACHED, MEMORY_RESERVATION_…
            173 | 201 | 202 | 242 | 252 | 364 | 439 | 692 | 749 | 762 | 776..=778 => {
                Self::Busy { code, cause }
            }
            // NO_ZOOKEEPER, TOO_FEW_LIVE_REPLICAS, UNSATISFIED_QUORUM, UNKNOWN_STATUS_OF_INSERT, KEEPER_EXCEPTION
            225 | 285 | 286 | 319 | 999 => Self::Busy { code, cause },
            // TOO_MANY_ROWS, TIMEOUT_EXCEEDED, TOO_SLOW, TOO_MANY_COLUMNS, TOO_DEEP_…, TOO_BIG_AST,
            // SET_SIZE_LIMIT_EXCEEDED, QUERY_IS_TOO_LARGE, MEMORY_LIMIT_EXCEEDED, TOO_MANY_BYTES, TOO_MANY_ROWS_OR_BYTES
            158..=162 | 165..=168 | 191 | 229 | 241 | 306 | 307 | 396 => Self::Limit { code, cause },
            // CANNOT_PARSE_…, ATTEMPT_TO_READ_AFTER_EOF, CANNOT_READ_ALL_DATA, TYPE_MISMATCH, ARGUMENT_OUT_OF_BOUND,
            // INCORRECT_DATA, TOO_LARGE_…_SIZE, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, UNKNOWN_ELEMENT_OF_ENUM, VIOLATED_CONSTRAINT, …, and
            // TOO_MANY_PARTITIONS: fewer rows touch fewer
            6
            | 25..=27
            | 32
            | 33
            | 38
            | 41
            | 53
            | 69
            | 70
            | 72
            | 117
            | 128
            | 130
            | 131
            | 321
            | 346
            | 349
            | 376
            | 467
            | 469
            | 565
            | 632
            | 675
            | 676
            | 691 => Self::Rows { code, cause },
            _ => Self::Refused { code, cause },
        }
    }

    /// What the same error means for an insert: memory and time are the engine's affair there, not the batch's.
    pub(super) fn of_insert(self) -> Self {
        match self {
            Self::Limit { code, cause } => Self::Busy { code, cause },
            other => other,
        }
    }

    /// What the same error means for a search: its values are ours, never somebody's rows.
    pub(super) fn of_search(self) -> Self {
        match self {
            Self::Rows { code, cause } => Self::Refused { code, cause },
            other => other,
        }
    }
}

/// What a person can do about a limit.
fn advice(code: u32) -> &'static str {
    match code {
        159 | 160 => "the search took too long: choose a shorter time range or add a filter",
        158 | 307 => "the search would read too much: choose a shorter time range or add a filter",
        396 => "the answer is too large: add a filter or a limit",
        241 => "the search needs too much memory: group by fewer fields, or choose a shorter time range",
        191 => "a list in the search is too large: make the inner search narrower",
        _ => "the query is too complex: make it shorter",
    }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code_of(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("Code: ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

impl From<clickhouse::error::Error> for LogStoreError {
    fn from(error: clickhouse::error::Error) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::BadResponse(message) => match code_of(&message) {
                Some(code) => Self::of_exception(code, message),
                // A proxy in between, or an answer without a body.
                None => Self::unavailable(message),
            },
            Error::Network(cause) => Self::unavailable(Chain(&*cause)),
            Error::TimedOut => Self::unavailable("no answer in time"),
            other => Self::answer(other),
        }
    }
}

/// An error with its causes.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Problem for LogStoreError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unavailable { .. } | Self::Busy { .. } | Self::Cancelled { .. } | Self::Setup(_) => {
                ProblemKind::Unavailable { code: "log_store_unavailable", retry_after_s: 5 }
            }
            Self::Limit { .. } => ProblemKind::Invalid("query_limit_exceeded"),
            Self::Rows { .. } | Self::Refused { .. } | Self::Answer { .. } => ProblemKind::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clickhouse::error::Error;

    fn of(message: &str) -> LogStoreError {
        LogStoreError::from(Error::BadResponse(message.to_owned()))
    }

    #[test]
    fn what_can_be_done_follows_from_the_code() {
        assert!(matches!(
            of("Code: 252. DB::Exception: Too many parts"),
            LogStoreError::Busy { code: 252, .. }
        ));
        assert!(matches!(of("Code: 159. DB::Exception: Timeout"), LogStoreError::Limit { code: 159, .. }));
        assert!(matches!(of("Code: 27. DB::Exception: Cannot parse"), LogStoreError::Rows { code: 27, .. }));
        assert!(matches!(of("Code: 60. DB::Exception: no table"), LogStoreError::Refused { code: 60, .. }));
        assert!(matches!(of("Code: 394. DB::Exception: cancelled"), LogStoreError::Cancelled { .. }));
        assert!(matches!(of("502 Bad Gateway"), LogStoreError::Unavailable { .. }));
    }

    #[test]
    fn a_batch_is_not_at_fault_when_memory_runs_out() {
        let error = of("Code: 241. DB::Exception: Memory limit").of_insert();
        assert!(error.is_temporary());
    }

    #[test]
    fn clickhouse_s_words_stay_out_of_the_message() {
        let error = of("Code: 60. DB::Exception: Table secret.logs on host ch-7 is missing");
        assert!(!error.to_string().contains("secret"));
        assert!(error.chain().contains("secret"));
    }
}
