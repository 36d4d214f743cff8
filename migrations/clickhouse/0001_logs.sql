-- The logs of all tenants. Time comes right after tenant and project: the newest matching lines are what people ask for.
-- Every setting below is read back at start (server/src/logstore/schema.rs); Cordwood refuses to run when one differs.
CREATE TABLE IF NOT EXISTS logs
(
    tenant_id      UUID,
    project_id     UUID,
    timestamp      DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at    DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    level          Enum8('unknown' = 0, 'trace' = 1, 'debug' = 2, 'info' = 3, 'warn' = 4, 'error' = 5, 'fatal' = 6),
    source         LowCardinality(String),
    host           LowCardinality(String),
    message        String CODEC(ZSTD(1)),
    trace_id       String CODEC(ZSTD(1)),
    span_id        String CODEC(ZSTD(1)),
    pattern_id     UInt64 CODEC(ZSTD(1)),
    attributes     JSON(max_dynamic_paths = 256),
    batch_id       UInt64 CODEC(ZSTD(1)),
    batch_row      UInt32 CODEC(Delta(4), ZSTD(1)),
    retention_days UInt16,
    -- Folded in the expression: a `preprocessor` answers differently on parts that have no index yet.
    INDEX message_words lowerUTF8(message) TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY (toDate(timestamp), retention_days)
ORDER BY (tenant_id, project_id, timestamp)
TTL toDateTime(timestamp) + toIntervalDay(retention_days) DELETE
SETTINGS
    ttl_only_drop_parts = 1,
    -- A batch that is sent again is stored once.
    non_replicated_deduplication_window = 10000,
    -- An insert is answered when its part is on disk, and a merged part is on disk before its sources go.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1;
