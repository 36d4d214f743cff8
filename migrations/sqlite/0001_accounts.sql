-- Who there is: users, organizations, members, projects, sessions, API keys.
-- Times are microseconds since the epoch, ids UUIDv7. The same tables in both folders; a test compares them.

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    email TEXT NOT NULL UNIQUE, -- lower case
    name TEXT NOT NULL,
    password_hash TEXT, -- NULL: signs in elsewhere
    email_verified_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organizations (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memberships (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin', 'owner')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT;

CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE projects (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    retention_days INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
) STRICT;

-- One row is one signed-in browser: a family of refresh tokens of which only the newest works.
CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    refresh_hash BLOB NOT NULL UNIQUE, -- SHA-256
    previous_hash BLOB, -- its reuse ends the session
    rotated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_of_user ON sessions (user_id);

-- Links in mails: single use, hashed, bound to one purpose and address. The row is also the job that sends the mail: the secret
-- is made when it is sent, so that it is nowhere but in the mail.
CREATE TABLE mail_links (
    id BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    token_hash BLOB UNIQUE, -- SHA-256
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER, -- followed, or replaced by a newer one
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER, -- NULL: handed over, or given up
    last_error TEXT
) STRICT;

CREATE INDEX mail_links_of_user ON mail_links (user_id, purpose);
CREATE INDEX mail_links_due ON mail_links (next_attempt_at);

CREATE TABLE api_keys (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    project_id BLOB NOT NULL,
    name TEXT NOT NULL,
    lookup TEXT NOT NULL UNIQUE, -- the public part of the key, by which it is found
    secret_hash BLOB NOT NULL, -- SHA-256
    scopes TEXT NOT NULL, -- comma-separated: ingest, query, admin
    created_by BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX api_keys_revoked ON api_keys (revoked_at);
