-- A second factor: codes of an authenticator app, and codes for the day on which that is lost.

CREATE TABLE second_factors (
    user_id BLOB PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    seed BLOB NOT NULL, -- random; the secret is made of it with a key that is not in this database
    confirmed_at INTEGER, -- NULL: being set up, does not count yet
    last_step INTEGER NOT NULL, -- the newest half minute whose code was used: none works twice
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL, -- SHA-256
    used_at INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT;
