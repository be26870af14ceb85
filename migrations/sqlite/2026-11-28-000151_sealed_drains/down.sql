ALTER TABLE drains DROP COLUMN sealed_url;
