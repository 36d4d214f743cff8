-- Jobs that remove data. A row outlives what it removed: it is the proof, so it refers to no other table.

CREATE TABLE jobs (
    organization_id UUID NOT NULL,
    id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('erase_logs', 'delete_project', 'delete_organization')),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'cancelled')),
    project_id UUID, -- NULL: the whole organization
    requested_by TEXT NOT NULL, -- an address, or the name of a key
    request TEXT NOT NULL, -- JSON: what was asked for
    created_at BIGINT NOT NULL,
    starts_at BIGINT NOT NULL, -- until then it can be cancelled
    finished_at BIGINT,
    claimed_until BIGINT, -- by the node that runs it
    rows_expected BIGINT NOT NULL,
    rows_erased BIGINT NOT NULL,
    last_error TEXT,
    certificate TEXT, -- JSON
    PRIMARY KEY (organization_id, id)
);

CREATE INDEX jobs_due ON jobs (state, starts_at);
