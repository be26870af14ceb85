-- Since when requests are answered with a page that says that it is being worked on, and since when nothing of it runs.
ALTER TABLE environments ADD COLUMN maintenance_at timestamptz;
ALTER TABLE environments ADD COLUMN stopped_at timestamptz;
