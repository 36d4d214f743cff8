-- What is old in the history of alerts is found by its time, and the last event of a group by the group.

CREATE INDEX alert_events_old ON alert_events (at);
CREATE INDEX alert_events_of_group ON alert_events (rule_id, group_key, id);
CREATE INDEX alert_outbox_old ON alert_outbox (created_at);
