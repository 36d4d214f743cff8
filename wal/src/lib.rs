//! Write-ahead log: accepted batches on disk until ClickHouse has them.
