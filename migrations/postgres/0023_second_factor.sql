-- A second factor: codes of an authenticator app, and codes for the day on which that is lost.

CREATE TABLE second_factors (
    user_id UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    seed BYTEA NOT NULL, -- random; the secret is made of it with a key that is not in this database
    confirmed_at BIGINT, -- NULL: being set up, does not count yet
    last_step BIGINT NOT NULL, -- the newest half minute whose code was used: none works twice
    created_at BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL, -- SHA-256
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
