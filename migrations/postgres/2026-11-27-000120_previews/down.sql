DROP TABLE previews;
ALTER TABLE config_vars DROP COLUMN previews;
ALTER TABLE hooks DROP COLUMN previews;
