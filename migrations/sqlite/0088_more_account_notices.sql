-- What happened stands in the detail alone: `kind` in its JSON.

UPDATE account_notices SET detail = json_set(detail, '$.kind', kind);
ALTER TABLE account_notices DROP COLUMN kind;
