-- What each project takes out of its events before they are stored; no row: nothing.

CREATE TABLE masking (
    organization_id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    rules TEXT NOT NULL, -- JSON
    secret BLOB NOT NULL, -- key of the hashes that stand for masked values; made once
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, project_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX masking_changed ON masking (updated_at);
