-- Who somebody is elsewhere: accounts of identity providers that sign in an account of ours.

CREATE TABLE identities (
    issuer TEXT NOT NULL, -- of the provider, as it calls itself
    subject TEXT NOT NULL, -- the provider's name for the person, which never changes
    id BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL, -- oidc, google, github
    email TEXT NOT NULL, -- as it was when it was linked
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX identities_by_user ON identities (user_id);
