DROP INDEX environments_host;
ALTER TABLE environments DROP COLUMN host;
ALTER TABLE environments DROP COLUMN disabled_at;
