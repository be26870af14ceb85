-- Where a drain leads, sealed; `url` is what of it may be shown. Until the server is started it is '' and `url` the whole URL.
ALTER TABLE drains ADD COLUMN sealed_url text NOT NULL DEFAULT '';
-- What is behind the host is not to be read in the audit log either.
UPDATE audit SET was = jsonb_set(was::jsonb, '{url}', '"…"')::json
    WHERE action IN ('create_drain', 'update_drain', 'delete_drain') AND was ->> 'url' ILIKE 'http%';
UPDATE audit SET became = jsonb_set(became::jsonb, '{url}', '"…"')::json
    WHERE action IN ('create_drain', 'update_drain', 'delete_drain') AND became ->> 'url' ILIKE 'http%';
