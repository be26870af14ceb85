-- Stands for what came, where its id is not signed: the same under another id is the same delivery.
ALTER TABLE hook_deliveries ADD COLUMN content_digest TEXT;
CREATE INDEX hook_deliveries_by_content ON hook_deliveries (hook_id, content_digest);
-- What names a commit is found by it, and is kept whatever else comes.
CREATE INDEX hook_deliveries_by_commit ON hook_deliveries (hook_id, commit_id, id);
