-- How fast and how much a key may send, beside its organization's limits. NULL: no limit of its own.

ALTER TABLE api_keys ADD COLUMN events_per_second INTEGER;
ALTER TABLE api_keys ADD COLUMN bytes_per_second INTEGER;
ALTER TABLE api_keys ADD COLUMN daily_events INTEGER;
ALTER TABLE api_keys ADD COLUMN daily_bytes INTEGER;
ALTER TABLE api_keys ADD COLUMN changed_at INTEGER; -- when these were last changed: nodes read such a key again

CREATE INDEX api_keys_changed ON api_keys (changed_at);
