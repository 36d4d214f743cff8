-- What an API key is bound to besides its scopes, and the key that follows it.

ALTER TABLE api_keys ADD COLUMN allowed_networks TEXT NOT NULL DEFAULT ''; -- comma-separated CIDR; empty: from everywhere
ALTER TABLE api_keys ADD COLUMN rows_per_day INTEGER; -- rows that searches may read; NULL: no limit
ALTER TABLE api_keys ADD COLUMN replaced_by BLOB; -- the key that was made to follow it

CREATE TABLE api_key_reads (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key_id BLOB NOT NULL,
    day INTEGER NOT NULL, -- days since the epoch, UTC
    rows_read INTEGER NOT NULL,
    PRIMARY KEY (organization_id, key_id, day)
) STRICT;
