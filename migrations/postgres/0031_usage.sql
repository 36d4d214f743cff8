-- What was stored, by day of arrival (days since 1970, UTC). No foreign keys: the shipper must be able to write down what was
-- sent to a project that is gone meanwhile; what belongs to no organization any more is swept away.

CREATE TABLE usage_daily (
    organization_id UUID NOT NULL,
    project_id UUID NOT NULL,
    day BIGINT NOT NULL,
    key_id UUID NOT NULL, -- zeros for what people sent themselves
    events BIGINT NOT NULL, -- stored
    bytes BIGINT NOT NULL, -- of these events, decoded
    rejected BIGINT NOT NULL,
    masked BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, key_id)
);

CREATE TABLE usage_sources (
    organization_id UUID NOT NULL,
    project_id UUID NOT NULL,
    day BIGINT NOT NULL,
    source TEXT NOT NULL,
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, source)
);

CREATE TABLE usage_refusals (
    organization_id UUID NOT NULL,
    project_id UUID NOT NULL,
    day BIGINT NOT NULL,
    kind TEXT NOT NULL, -- event: one of a batch; request: a body as a whole
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, kind, code)
);

-- How far each write-ahead log is counted: written with the counts, so that nothing counts twice.
CREATE TABLE usage_progress (
    log_id BYTEA PRIMARY KEY,
    done_before BIGINT NOT NULL
);

-- Warnings about a day's quota, each mailed once to each of the organization's owners and admins.
CREATE TABLE quota_notices (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tries BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    sent_at BIGINT,
    PRIMARY KEY (organization_id, day, percent, user_id)
);

CREATE INDEX quota_notices_due ON quota_notices (sent_at, next_try_at);
