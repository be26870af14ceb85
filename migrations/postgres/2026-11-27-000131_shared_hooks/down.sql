DROP INDEX hooks_by_via;
ALTER TABLE hooks DROP COLUMN via_hook_id;
