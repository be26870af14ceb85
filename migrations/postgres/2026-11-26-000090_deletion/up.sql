-- Since when a project is deleted, and after when it is really removed. With the second one alone it is being brought back.
ALTER TABLE projects ADD COLUMN deleted_at timestamptz;
ALTER TABLE projects ADD COLUMN removed_after timestamptz;
