-- Who there is: users, organizations, members, projects, sessions, API keys.
-- Times are microseconds since the epoch, ids UUIDv7. The same tables in both folders; a test compares them.

CREATE TABLE users (
    id UUID PRIMARY KEY,
    email TEXT NOT NULL UNIQUE, -- lower case
    name TEXT NOT NULL,
    password_hash TEXT, -- NULL: signs in elsewhere
    email_verified_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE organizations (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin', 'owner')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE projects (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    name TEXT NOT NULL,
    retention_days BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);

-- One row is one signed-in browser: a family of refresh tokens of which only the newest works.
CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    refresh_hash BYTEA NOT NULL UNIQUE, -- SHA-256
    previous_hash BYTEA, -- its reuse ends the session
    rotated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
);

CREATE INDEX sessions_of_user ON sessions (user_id);

-- Links in mails: single use, hashed, bound to one purpose and address. The row is also the job that sends the mail: the secret
-- is made when it is sent, so that it is nowhere but in the mail.
CREATE TABLE mail_links (
    id UUID PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    token_hash BYTEA UNIQUE, -- SHA-256
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT, -- followed, or replaced by a newer one
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT, -- NULL: handed over, or given up
    last_error TEXT
);

CREATE INDEX mail_links_of_user ON mail_links (user_id, purpose);
CREATE INDEX mail_links_due ON mail_links (next_attempt_at);

CREATE TABLE api_keys (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    project_id UUID NOT NULL,
    name TEXT NOT NULL,
    lookup TEXT NOT NULL UNIQUE, -- the public part of the key, by which it is found
    secret_hash BYTEA NOT NULL, -- SHA-256
    scopes TEXT NOT NULL, -- comma-separated: ingest, query, admin
    created_by UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX api_keys_revoked ON api_keys (revoked_at);
