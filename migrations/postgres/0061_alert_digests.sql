-- Notifications that leave together: many alerts at once become one message.

ALTER TABLE alert_outbox ADD COLUMN gathers BOOLEAN NOT NULL DEFAULT FALSE; -- whether it may be told together with others
ALTER TABLE alert_outbox ADD COLUMN digest_id UUID; -- the id of the first of those that leave together, and of their message

CREATE INDEX alert_outbox_of_digest ON alert_outbox (digest_id);
CREATE INDEX alert_outbox_sent ON alert_outbox (recipient_id, sent_at);

-- Nodes that have acknowledged events which are not stored yet: rules wait for them.
CREATE TABLE ingest_waiting (
    node TEXT PRIMARY KEY,
    waiting_since BIGINT NOT NULL, -- when the oldest of them arrived
    seen_at BIGINT NOT NULL
);
