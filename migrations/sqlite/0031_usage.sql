-- What was stored, by day of arrival (days since 1970, UTC). No foreign keys: the shipper must be able to write down what was
-- sent to a project that is gone meanwhile; what belongs to no organization any more is swept away.

CREATE TABLE usage_daily (
    organization_id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    day INTEGER NOT NULL,
    key_id BLOB NOT NULL, -- zeros for what people sent themselves
    events INTEGER NOT NULL, -- stored
    bytes INTEGER NOT NULL, -- of these events, decoded
    rejected INTEGER NOT NULL,
    masked INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, key_id)
) STRICT;

CREATE TABLE usage_sources (
    organization_id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    day INTEGER NOT NULL,
    source TEXT NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, source)
) STRICT;

CREATE TABLE usage_refusals (
    organization_id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    day INTEGER NOT NULL,
    kind TEXT NOT NULL, -- event: one of a batch; request: a body as a whole
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, day, project_id, kind, code)
) STRICT;

-- How far each write-ahead log is counted: written with the counts, so that nothing counts twice.
CREATE TABLE usage_progress (
    log_id BLOB PRIMARY KEY,
    done_before INTEGER NOT NULL
) STRICT;

-- Warnings about a day's quota, each mailed once to each of the organization's owners and admins.
CREATE TABLE quota_notices (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tries INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    sent_at INTEGER,
    PRIMARY KEY (organization_id, day, percent, user_id)
) STRICT;

CREATE INDEX quota_notices_due ON quota_notices (sent_at, next_try_at);
