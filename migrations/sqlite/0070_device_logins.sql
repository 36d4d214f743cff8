-- Command lines that ask to be signed in (RFC 8628): a row until the key is handed out, refused or too old.

CREATE TABLE device_logins (
    id BLOB PRIMARY KEY,
    device_hash BLOB NOT NULL UNIQUE, -- SHA-256
    user_code TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL, -- what is asked for
    client TEXT NOT NULL, -- what the machine calls itself
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    polled_at INTEGER,
    interval_s INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied')),
    organization_id BLOB REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    project_id BLOB
) STRICT;

CREATE INDEX device_logins_due ON device_logins (expires_at);

-- The person whose command line it is: the key ends when they leave the organization. NULL: nobody's.
ALTER TABLE api_keys ADD COLUMN personal_to BLOB;
