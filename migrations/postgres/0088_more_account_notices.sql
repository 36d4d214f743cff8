-- What happened stands in the detail alone: `kind` in its JSON.

UPDATE account_notices SET detail = (detail::jsonb || jsonb_build_object('kind', kind))::text;
ALTER TABLE account_notices DROP COLUMN kind;
