ALTER TABLE projects DROP COLUMN deleted_at;
ALTER TABLE projects DROP COLUMN removed_after;
