DROP INDEX releases_by_image;
ALTER TABLE releases DROP COLUMN image;
