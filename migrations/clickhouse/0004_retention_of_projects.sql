-- What is over is dropped by Cordwood, by the retention that a project has now, and not by the one that a row was stored with.
-- The expression is set once more before it goes: removing one that is not there is an error, and this may be run again.
ALTER TABLE logs MODIFY TTL toDateTime(timestamp) + toIntervalDay(retention_days) DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE logs REMOVE TTL;
