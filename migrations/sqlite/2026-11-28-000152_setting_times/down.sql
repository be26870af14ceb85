ALTER TABLE environments DROP COLUMN settings_set_at;
