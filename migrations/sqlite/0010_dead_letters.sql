-- Events that could not be stored, with the reason, until somebody replays or deletes them.

CREATE TABLE dead_letters (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL, -- made of the batch and the place in it: writing one twice changes nothing
    project_id BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    original BLOB NOT NULL, -- the event as it came
    original_bytes INTEGER NOT NULL,
    batch_log BLOB NOT NULL, -- the write-ahead log that the batch went through, and its place there
    batch_lsn INTEGER NOT NULL,
    replay_key BLOB, -- set while a replay is on its way: the batch that takes it
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX dead_letters_by_time ON dead_letters (organization_id, project_id, id);
CREATE INDEX dead_letters_of_batch ON dead_letters (organization_id, batch_log, batch_lsn);
CREATE INDEX dead_letters_by_age ON dead_letters (received_at);
