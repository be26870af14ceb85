-- The connection to a repository whose feedback a webhook is.
ALTER TABLE webhooks ADD COLUMN hook_id TEXT REFERENCES hooks (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX webhooks_by_hook ON webhooks (hook_id);
