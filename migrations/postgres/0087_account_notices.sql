-- Mails that tell somebody what changed in their account. A row is the job that sends it, and goes with the mail.

CREATE TABLE account_notices (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email TEXT NOT NULL, -- as it was when it happened
    kind TEXT NOT NULL CHECK (kind IN ('identity_linked')),
    detail TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL
);

CREATE INDEX account_notices_due ON account_notices (next_attempt_at);
