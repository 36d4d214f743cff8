-- Events that could not be stored, with the reason, until somebody replays or deletes them.

CREATE TABLE dead_letters (
    organization_id UUID NOT NULL,
    id UUID NOT NULL, -- made of the batch and the place in it: writing one twice changes nothing
    project_id UUID NOT NULL,
    received_at BIGINT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    original BYTEA NOT NULL, -- the event as it came
    original_bytes BIGINT NOT NULL,
    batch_log BYTEA NOT NULL, -- the write-ahead log that the batch went through, and its place there
    batch_lsn BIGINT NOT NULL,
    replay_key BYTEA, -- set while a replay is on its way: the batch that takes it
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX dead_letters_by_time ON dead_letters (organization_id, project_id, id);
CREATE INDEX dead_letters_of_batch ON dead_letters (organization_id, batch_log, batch_lsn);
CREATE INDEX dead_letters_by_age ON dead_letters (received_at);
