-- Row rules: filters in the query language that narrow which logs a member or a key may read; NULL: all of them.

ALTER TABLE memberships ADD COLUMN row_rule TEXT;
ALTER TABLE invitations ADD COLUMN row_rule TEXT; -- what the member will have
ALTER TABLE api_keys ADD COLUMN row_rule TEXT;
