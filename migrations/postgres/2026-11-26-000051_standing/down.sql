ALTER TABLE environments DROP COLUMN maintenance_at;
ALTER TABLE environments DROP COLUMN stopped_at;
