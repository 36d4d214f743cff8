-- Ports for syslog that belong to one project each.

CREATE TABLE syslog_listeners (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    project_id UUID NOT NULL,
    protocol TEXT NOT NULL, -- tcp, tls or udp
    transport TEXT NOT NULL, -- tcp or udp: what a port can be taken of
    port BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX syslog_listeners_by_port ON syslog_listeners (transport, port);
