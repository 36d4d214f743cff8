-- What people and their tools record beside the logs, and which fields a project's people see first.

CREATE TABLE annotations (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    project_id UUID, -- NULL: about every project
    kind TEXT NOT NULL CHECK (kind IN ('deployment', 'note')),
    title TEXT NOT NULL,
    at BIGINT NOT NULL,
    created_by UUID, -- NULL: an API key
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX annotations_by_time ON annotations (organization_id, at);
CREATE INDEX alert_events_by_time ON alert_events (organization_id, at);

CREATE TABLE pinned_fields (
    organization_id UUID NOT NULL,
    project_id UUID NOT NULL,
    fields TEXT NOT NULL, -- JSON: names in their order
    PRIMARY KEY (organization_id, project_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);
