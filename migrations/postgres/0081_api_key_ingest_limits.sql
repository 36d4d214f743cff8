-- How fast and how much a key may send, beside its organization's limits. NULL: no limit of its own.

ALTER TABLE api_keys ADD COLUMN events_per_second BIGINT;
ALTER TABLE api_keys ADD COLUMN bytes_per_second BIGINT;
ALTER TABLE api_keys ADD COLUMN daily_events BIGINT;
ALTER TABLE api_keys ADD COLUMN daily_bytes BIGINT;
ALTER TABLE api_keys ADD COLUMN changed_at BIGINT; -- when these were last changed: nodes read such a key again

CREATE INDEX api_keys_changed ON api_keys (changed_at);
