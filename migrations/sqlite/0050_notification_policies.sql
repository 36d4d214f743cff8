-- An organization's routes, quiet hours and maintenance windows.

CREATE TABLE notification_policies (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    policy TEXT NOT NULL, -- JSON, as the API shows it
    updated_at INTEGER NOT NULL
) STRICT;
