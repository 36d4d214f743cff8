-- Alert rules with their state, history, and the notifications that wait to be sent.

CREATE TABLE notification_channels (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'slack', 'pagerduty', 'webhook')),
    config TEXT NOT NULL, -- JSON; its secrets never leave by the API
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE alert_rules (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    project_id BLOB NOT NULL,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    definition TEXT NOT NULL, -- JSON, as the API shows it
    mutes TEXT NOT NULL, -- JSON: of the rule and of its groups
    created_by BLOB, -- told when the rule cannot be evaluated
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

-- What a rule remembers between two evaluations. Only the node that leases the shard writes it, and every write changes `version`.
CREATE TABLE alert_states (
    organization_id BLOB NOT NULL,
    rule_id BLOB PRIMARY KEY,
    shard INTEGER NOT NULL,
    due_at INTEGER, -- when to look again; NULL: switched off
    last_slot INTEGER,
    version INTEGER NOT NULL,
    memory TEXT NOT NULL, -- JSON of the state machine
    state TEXT NOT NULL, -- the worst of its groups
    since INTEGER NOT NULL,
    last_value REAL,
    last_evaluated_at INTEGER,
    last_error TEXT,
    FOREIGN KEY (organization_id, rule_id) REFERENCES alert_rules (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX alert_states_due ON alert_states (shard, due_at);

-- A shard of the rules belongs to one node at a time; `fence` grows with each owner, and every write of a state names it.
CREATE TABLE alert_leases (
    shard INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

INSERT INTO alert_leases (shard, owner, fence, expires_at) VALUES
    (0, '', 0, 0), (1, '', 0, 0), (2, '', 0, 0), (3, '', 0, 0), (4, '', 0, 0), (5, '', 0, 0), (6, '', 0, 0), (7, '', 0, 0),
    (8, '', 0, 0), (9, '', 0, 0), (10, '', 0, 0), (11, '', 0, 0), (12, '', 0, 0), (13, '', 0, 0), (14, '', 0, 0), (15, '', 0, 0);

-- Nodes that evaluate rules, so that each takes its share of the shards.
CREATE TABLE alert_nodes (
    node TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT;

-- One evaluation of a rule; kept for some days.
CREATE TABLE alert_evaluations (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    rule_id BLOB NOT NULL,
    slot INTEGER NOT NULL,
    evaluated_at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    value REAL, -- the worst of the groups
    group_count INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (rule_id, slot)
) STRICT;

CREATE INDEX alert_evaluations_old ON alert_evaluations (evaluated_at);

-- One transition of one group. It outlives its rule.
CREATE TABLE alert_events (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    rule_id BLOB NOT NULL,
    rule_name TEXT NOT NULL,
    group_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    value REAL,
    at INTEGER NOT NULL,
    episode INTEGER NOT NULL,
    number INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (rule_id, episode, number)
) STRICT;

CREATE INDEX alert_events_of_rule ON alert_events (organization_id, rule_id, id);

-- A notification on its way. Written with the transition that it tells of; its id is the same however often it must be sent.
CREATE TABLE alert_outbox (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE,
    event_id BLOB NOT NULL,
    rule_id BLOB NOT NULL,
    episode INTEGER NOT NULL,
    transition TEXT NOT NULL, -- `2-resolved`
    recipient_kind TEXT NOT NULL CHECK (recipient_kind IN ('channel', 'member')),
    recipient_id BLOB NOT NULL,
    recipient_name TEXT NOT NULL,
    address TEXT NOT NULL, -- one mail for each address of a channel; empty for other kinds
    payload TEXT NOT NULL, -- JSON: all that the message says
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER, -- NULL: sent, or given up
    claimed_until INTEGER NOT NULL,
    fence INTEGER NOT NULL, -- grows with each claim; the outcome is written only by the last claimer
    last_error TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    PRIMARY KEY (organization_id, id),
    UNIQUE (rule_id, episode, transition, recipient_id, address)
) STRICT;

CREATE INDEX alert_outbox_due ON alert_outbox (next_attempt_at);
CREATE INDEX alert_outbox_of_event ON alert_outbox (organization_id, event_id);
CREATE INDEX alert_outbox_of_recipient ON alert_outbox (recipient_id, state, id);

-- One attempt to send one notification.
CREATE TABLE alert_deliveries (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    outbox_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'retry', 'failed')),
    detail TEXT NOT NULL,
    PRIMARY KEY (outbox_id, attempt)
) STRICT;
