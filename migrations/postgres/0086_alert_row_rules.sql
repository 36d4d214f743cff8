-- The row rule under which an alert rule looks at logs: that of the member who made it. NULL: all logs.

ALTER TABLE alert_rules ADD COLUMN row_rule TEXT;
