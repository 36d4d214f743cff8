-- Alert rules with their state, history, and the notifications that wait to be sent.

CREATE TABLE notification_channels (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'slack', 'pagerduty', 'webhook')),
    config TEXT NOT NULL, -- JSON; its secrets never leave by the API
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);

CREATE TABLE alert_rules (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    project_id UUID NOT NULL,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    definition TEXT NOT NULL, -- JSON, as the API shows it
    mutes TEXT NOT NULL, -- JSON: of the rule and of its groups
    created_by UUID, -- told when the rule cannot be evaluated
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

-- What a rule remembers between two evaluations. Only the node that leases the shard writes it, and every write changes `version`.
CREATE TABLE alert_states (
    organization_id UUID NOT NULL,
    rule_id UUID PRIMARY KEY,
    shard BIGINT NOT NULL,
    due_at BIGINT, -- when to look again; NULL: switched off
    last_slot BIGINT,
    version BIGINT NOT NULL,
    memory TEXT NOT NULL, -- JSON of the state machine
    state TEXT NOT NULL, -- the worst of its groups
    since BIGINT NOT NULL,
    last_value DOUBLE PRECISION,
    last_evaluated_at BIGINT,
    last_error TEXT,
    FOREIGN KEY (organization_id, rule_id) REFERENCES alert_rules (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX alert_states_due ON alert_states (shard, due_at);

-- A shard of the rules belongs to one node at a time; `fence` grows with each owner, and every write of a state names it.
CREATE TABLE alert_leases (
    shard BIGINT PRIMARY KEY,
    owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

INSERT INTO alert_leases (shard, owner, fence, expires_at) VALUES
    (0, '', 0, 0), (1, '', 0, 0), (2, '', 0, 0), (3, '', 0, 0), (4, '', 0, 0), (5, '', 0, 0), (6, '', 0, 0), (7, '', 0, 0),
    (8, '', 0, 0), (9, '', 0, 0), (10, '', 0, 0), (11, '', 0, 0), (12, '', 0, 0), (13, '', 0, 0), (14, '', 0, 0), (15, '', 0, 0);

-- Nodes that evaluate rules, so that each takes its share of the shards.
CREATE TABLE alert_nodes (
    node TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- One evaluation of a rule; kept for some days.
CREATE TABLE alert_evaluations (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    rule_id UUID NOT NULL,
    slot BIGINT NOT NULL,
    evaluated_at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    value DOUBLE PRECISION, -- the worst of the groups
    group_count BIGINT NOT NULL,
    detail TEXT,
    PRIMARY KEY (rule_id, slot)
);

CREATE INDEX alert_evaluations_old ON alert_evaluations (evaluated_at);

-- One transition of one group. It outlives its rule.
CREATE TABLE alert_events (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    rule_id UUID NOT NULL,
    rule_name TEXT NOT NULL,
    group_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    value DOUBLE PRECISION,
    at BIGINT NOT NULL,
    episode BIGINT NOT NULL,
    number BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (rule_id, episode, number)
);

CREATE INDEX alert_events_of_rule ON alert_events (organization_id, rule_id, id);

-- A notification on its way. Written with the transition that it tells of; its id is the same however often it must be sent.
CREATE TABLE alert_outbox (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id UUID NOT NULL UNIQUE,
    event_id UUID NOT NULL,
    rule_id UUID NOT NULL,
    episode BIGINT NOT NULL,
    transition TEXT NOT NULL, -- `2-resolved`
    recipient_kind TEXT NOT NULL CHECK (recipient_kind IN ('channel', 'member')),
    recipient_id UUID NOT NULL,
    recipient_name TEXT NOT NULL,
    address TEXT NOT NULL, -- one mail for each address of a channel; empty for other kinds
    payload TEXT NOT NULL, -- JSON: all that the message says
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT, -- NULL: sent, or given up
    claimed_until BIGINT NOT NULL,
    fence BIGINT NOT NULL, -- grows with each claim; the outcome is written only by the last claimer
    last_error TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    PRIMARY KEY (organization_id, id),
    UNIQUE (rule_id, episode, transition, recipient_id, address)
);

CREATE INDEX alert_outbox_due ON alert_outbox (next_attempt_at);
CREATE INDEX alert_outbox_of_event ON alert_outbox (organization_id, event_id);
CREATE INDEX alert_outbox_of_recipient ON alert_outbox (recipient_id, state, id);

-- One attempt to send one notification.
CREATE TABLE alert_deliveries (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    outbox_id UUID NOT NULL,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'retry', 'failed')),
    detail TEXT NOT NULL,
    PRIMARY KEY (outbox_id, attempt)
);
