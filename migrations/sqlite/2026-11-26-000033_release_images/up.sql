-- The image of a release beside its content: which images are needed is asked often, and the contents are long.
ALTER TABLE releases ADD COLUMN image TEXT NOT NULL DEFAULT '';
UPDATE releases SET image = json_extract(content, '$.image');
CREATE INDEX releases_by_image ON releases (environment_id, image, version);
