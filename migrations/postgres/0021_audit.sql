-- Who did what, when, from where: a chain per organization in which each row's hash covers the one before it.

CREATE TABLE audit_heads (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL, -- of the newest row
    hash BYTEA NOT NULL
);

CREATE TABLE audit_entries (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL, -- from 1, without gaps
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL CHECK (actor_kind IN ('person', 'key', 'system')),
    actor_id TEXT NOT NULL, -- empty for the system
    actor TEXT NOT NULL, -- the address of the person, the name of the key: as it was then
    action TEXT NOT NULL, -- as in project.changed
    target TEXT NOT NULL, -- what it was done to, for people
    target_id TEXT NOT NULL,
    detail TEXT NOT NULL, -- JSON
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL, -- SHA-256
    PRIMARY KEY (organization_id, sequence)
);

CREATE INDEX audit_entries_by_time ON audit_entries (at);
