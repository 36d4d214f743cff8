-- Searches that people keep, for themselves or for everybody in the organization.

CREATE TABLE saved_searches (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    owner_id UUID, -- NULL: made by an API key
    project_id UUID,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    definition TEXT NOT NULL, -- JSON: query, columns, range
    shared BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE saved_search_favourites (
    organization_id UUID NOT NULL,
    saved_search_id UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (saved_search_id, user_id),
    FOREIGN KEY (organization_id, saved_search_id) REFERENCES saved_searches (organization_id, id) ON DELETE CASCADE
);
