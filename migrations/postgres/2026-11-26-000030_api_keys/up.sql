-- How a key begins, and the hash of the one before the last rotation, which is accepted for a while.
ALTER TABLE api_keys ADD COLUMN hint text NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN previous_hash text;
ALTER TABLE api_keys ADD COLUMN previous_until timestamptz;
CREATE INDEX api_keys_by_previous_hash ON api_keys (previous_hash);
