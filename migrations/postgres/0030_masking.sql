-- What each project takes out of its events before they are stored; no row: nothing.

CREATE TABLE masking (
    organization_id UUID NOT NULL,
    project_id UUID NOT NULL,
    rules TEXT NOT NULL, -- JSON
    secret BYTEA NOT NULL, -- key of the hashes that stand for masked values; made once
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, project_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX masking_changed ON masking (updated_at);
