-- When each setting was last changed: a rollback sets back what was not set after it was asked for.
ALTER TABLE environments ADD COLUMN settings_set_at json NOT NULL DEFAULT '{}';
