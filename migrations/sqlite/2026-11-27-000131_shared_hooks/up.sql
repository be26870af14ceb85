-- The connection that tells this one of its repository as well, with a secret that both have: the webhook of an app.
-- The one that is named may be gone.
ALTER TABLE hooks ADD COLUMN via_hook_id TEXT;
CREATE INDEX hooks_by_via ON hooks (via_hook_id);
