ALTER TABLE environments DROP COLUMN asleep_at;
