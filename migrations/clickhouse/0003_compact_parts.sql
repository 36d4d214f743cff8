-- What an insert writes is one file and not one for each column and path, each with its sync; merged parts get files of their own.
-- Inserting costs half of it, and reads of merged parts, which is nearly all of them, stay as they are.
ALTER TABLE logs MODIFY SETTING min_bytes_for_wide_part = 67108864;
