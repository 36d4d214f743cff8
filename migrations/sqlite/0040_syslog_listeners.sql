-- Ports for syslog that belong to one project each.

CREATE TABLE syslog_listeners (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL,
    project_id BLOB NOT NULL,
    protocol TEXT NOT NULL, -- tcp, tls or udp
    transport TEXT NOT NULL, -- tcp or udp: what a port can be taken of
    port INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX syslog_listeners_by_port ON syslog_listeners (transport, port);
