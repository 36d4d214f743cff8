-- Invitations into an organization. A row is a pending or expired one; accepting or withdrawing it removes the row.

CREATE TABLE invitations (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    email TEXT NOT NULL, -- lower case
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin', 'owner')),
    invited_by BLOB REFERENCES users (id) ON DELETE SET NULL, -- NULL: an API key
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, email)
) STRICT;

-- Links in mails also invite and confirm a changed address; an invitation may be for somebody who is no user yet.
CREATE TABLE mail_links_next (
    id BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email', 'invitation')),
    user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    invitation_id BLOB REFERENCES invitations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    token_hash BLOB UNIQUE, -- SHA-256
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER, -- followed, or replaced by a newer one
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER, -- NULL: handed over, or given up
    last_error TEXT
) STRICT;

INSERT INTO mail_links_next (id, purpose, user_id, email, token_hash, created_at, expires_at, used_at, attempts, next_attempt_at, last_error)
    SELECT id, purpose, user_id, email, token_hash, created_at, expires_at, used_at, attempts, next_attempt_at, last_error FROM mail_links;
DROP TABLE mail_links;
ALTER TABLE mail_links_next RENAME TO mail_links;

CREATE INDEX mail_links_of_user ON mail_links (user_id, purpose);
CREATE INDEX mail_links_of_invitation ON mail_links (invitation_id);
CREATE INDEX mail_links_due ON mail_links (next_attempt_at);
