-- Counts that the engine keeps with every part: never behind the events, and gone when these go.
-- Searches use them where a query asks for whole minutes (five, fifteen) and for nothing but level and source.
ALTER TABLE logs ADD PROJECTION IF NOT EXISTS level_stats
(
    SELECT tenant_id, project_id, toStartOfMinute(timestamp) AS step, level, source, count()
    GROUP BY tenant_id, project_id, step, level, source
);
ALTER TABLE logs ADD PROJECTION IF NOT EXISTS field_stats
(
    SELECT
        tenant_id, project_id, toStartOfFiveMinutes(timestamp) AS step, level, source,
        count(), countIf(host != ''), countIf(message != ''), countIf(trace_id != ''), countIf(span_id != ''),
        countMap(JSONAllPathsWithTypes(attributes)), distinctJSONPathsAndTypes(attributes)
    GROUP BY tenant_id, project_id, step, level, source
);
ALTER TABLE logs ADD PROJECTION IF NOT EXISTS pattern_stats
(
    SELECT
        tenant_id, project_id, toStartOfFifteenMinutes(timestamp) AS step, level, source, pattern_id,
        count(), max((timestamp, batch_id, batch_row)), argMax(message, (timestamp, batch_id, batch_row))
    GROUP BY tenant_id, project_id, step, level, source, pattern_id
);
-- For what was stored before; it goes on in the background.
ALTER TABLE logs MATERIALIZE PROJECTION level_stats;
ALTER TABLE logs MATERIALIZE PROJECTION field_stats;
ALTER TABLE logs MATERIALIZE PROJECTION pattern_stats;
