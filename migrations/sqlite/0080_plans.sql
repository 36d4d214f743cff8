-- What the operator allows an organization. NULL: the installation's default; 0: explicitly no limit. Without a row all are defaults.

CREATE TABLE organization_plans (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    daily_events INTEGER,
    daily_bytes INTEGER,
    retention_days INTEGER, -- the longest that a project may keep logs
    members INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;

-- What was sent today is read every few seconds, for the limits.
CREATE INDEX usage_daily_day ON usage_daily (day);
