DELETE FROM webhooks WHERE hook_id IS NOT NULL;
DROP INDEX webhooks_by_hook;
ALTER TABLE webhooks DROP COLUMN hook_id;
