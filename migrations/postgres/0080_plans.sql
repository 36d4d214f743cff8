-- What the operator allows an organization. NULL: the installation's default; 0: explicitly no limit. Without a row all are defaults.

CREATE TABLE organization_plans (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    daily_events BIGINT,
    daily_bytes BIGINT,
    retention_days BIGINT, -- the longest that a project may keep logs
    members BIGINT,
    updated_at BIGINT NOT NULL
);

-- What was sent today is read every few seconds, for the limits.
CREATE INDEX usage_daily_day ON usage_daily (day);
