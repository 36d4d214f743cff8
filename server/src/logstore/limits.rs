//! How much one search may cost. The engine enforces it and fails the search; nothing is cut silently.

use std::time::Duration;

const GIB: u64 = 1 << 30;

/// Limits of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryLimits {
    pub execution_time: Duration,
    pub memory_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub read_bytes: u64,
    pub group_by_rows: u64,
    pub join_rows: u64,
    pub threads: u32,
}

impl QueryLimits {
    /// For a person who waits.
    #[must_use]
    pub fn interactive() -> Self {
        Self {
            execution_time: Duration::from_secs(30),
            memory_bytes: GIB,
            result_rows: 10_000,
            result_bytes: 100_000_000,
            read_bytes: 50_000_000_000,
            group_by_rows: 1_000_000,
            join_rows: 1_000_000,
            threads: 2,
        }
    }

    /// For a file that is streamed.
    #[must_use]
    pub fn export() -> Self {
        Self {
            execution_time: Duration::from_secs(300),
            result_rows: 10_000_000,
            result_bytes: 16 * GIB,
            ..Self::interactive()
        }
    }

    /// For a rule that runs again in a moment.
    #[must_use]
    pub fn alert() -> Self {
        Self {
            execution_time: Duration::from_secs(10),
            memory_bytes: GIB / 4,
            result_rows: 1_000,
            ..Self::interactive()
        }
    }

    /// How long we wait ourselves: the engine should have failed the statement by then.
    pub(super) fn patience(&self) -> Duration {
        self.execution_time + Duration::from_secs(5)
    }

    /// The engine's settings for these limits.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("max_execution_time", self.execution_time.as_secs().max(1).to_string()),
            ("timeout_overflow_mode", "throw".into()),
            ("max_memory_usage", self.memory_bytes.to_string()),
            ("max_bytes_before_external_group_by", (self.memory_bytes / 2).to_string()),
            ("max_bytes_before_external_sort", (self.memory_bytes / 2).to_string()),
            ("max_result_rows", self.result_rows.to_string()),
            ("max_result_bytes", self.result_bytes.to_string()),
            ("result_overflow_mode", "throw".into()),
            ("max_bytes_to_read", self.read_bytes.to_string()),
            ("read_overflow_mode", "throw".into()),
            ("max_rows_to_group_by", self.group_by_rows.to_string()),
            ("group_by_overflow_mode", "throw".into()),
            ("max_rows_in_join", self.join_rows.to_string()),
            ("max_bytes_in_join", (256 << 20).to_string()),
            ("join_overflow_mode", "throw".into()),
            ("max_rows_in_set", self.join_rows.to_string()),
            ("set_overflow_mode", "throw".into()),
            ("max_threads", self.threads.to_string()),
            ("max_ast_depth", "500".into()),
            // All text is the compiler's own; a filter of 512 numbers is as long as this where it stands in several scans.
            ("max_query_size", (2 << 20).to_string()),
            ("max_ast_elements", "500000".into()),
            ("max_expanded_ast_elements", "1000000".into()),
            ("reject_expensive_hyperscan_regexps", "1".into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_fails_the_search_and_never_cuts_the_answer() {
        let modes: Vec<_> = QueryLimits::interactive()
            .settings()
            .into_iter()
            .filter(|(name, _)| name.ends_with("_mode"))
            .collect();
        assert!(!modes.is_empty() && modes.iter().all(|(_, value)| value == "throw"));
    }
}
