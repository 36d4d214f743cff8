-- Jobs that change logs, and jobs that hand them out. SQLite cannot change a check, so the table is made anew.

ALTER TABLE jobs RENAME TO jobs_before;
DROP INDEX jobs_due;

CREATE TABLE jobs (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN
        ('erase_logs', 'delete_project', 'delete_organization', 'pseudonymise', 'export_organization')),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'cancelled')),
    project_id BLOB, -- NULL: the whole organization
    requested_by TEXT NOT NULL, -- an address, or the name of a key
    request TEXT NOT NULL, -- JSON: what was asked for
    created_at INTEGER NOT NULL,
    starts_at INTEGER NOT NULL, -- until then it can be cancelled
    finished_at INTEGER,
    claimed_until INTEGER, -- by the node that runs it
    rows_expected INTEGER NOT NULL,
    rows_erased INTEGER NOT NULL,
    last_error TEXT,
    certificate TEXT, -- JSON
    PRIMARY KEY (organization_id, id)
) STRICT;

INSERT INTO jobs SELECT * FROM jobs_before;
DROP TABLE jobs_before;
CREATE INDEX jobs_due ON jobs (state, starts_at);
