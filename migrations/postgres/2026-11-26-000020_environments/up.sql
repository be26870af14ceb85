-- What the host name begins with: `shop`, `shop-staging`. No two environments of the server have the same.
ALTER TABLE environments ADD COLUMN host text NOT NULL DEFAULT '';
UPDATE environments SET host =
    (SELECT projects.slug FROM projects WHERE projects.id = environments.project_id)
    || CASE environments.name WHEN 'production' THEN '' ELSE '-' || environments.name END;
CREATE UNIQUE INDEX environments_host ON environments (host);
-- Since when nothing is deployed to it: it is being deleted.
ALTER TABLE environments ADD COLUMN disabled_at timestamptz;
