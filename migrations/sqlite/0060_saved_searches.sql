-- Searches that people keep, for themselves or for everybody in the organization.

CREATE TABLE saved_searches (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    owner_id BLOB, -- NULL: made by an API key
    project_id BLOB,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    definition TEXT NOT NULL, -- JSON: query, columns, range
    shared INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE saved_search_favourites (
    organization_id BLOB NOT NULL,
    saved_search_id BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (saved_search_id, user_id),
    FOREIGN KEY (organization_id, saved_search_id) REFERENCES saved_searches (organization_id, id) ON DELETE CASCADE
) STRICT;
