DROP INDEX hook_deliveries_by_commit;
DROP INDEX hook_deliveries_by_content;
ALTER TABLE hook_deliveries DROP COLUMN content_digest;
