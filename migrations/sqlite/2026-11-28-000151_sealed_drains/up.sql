-- Where a drain leads, sealed; `url` is what of it may be shown. Until the server is started it is '' and `url` the whole URL.
ALTER TABLE drains ADD COLUMN sealed_url TEXT NOT NULL DEFAULT '';
-- What is behind the host is not to be read in the audit log either.
UPDATE audit SET was = json_set(was, '$.url', '…')
    WHERE action IN ('create_drain', 'update_drain', 'delete_drain') AND json_extract(was, '$.url') LIKE 'http%';
UPDATE audit SET became = json_set(became, '$.url', '…')
    WHERE action IN ('create_drain', 'update_drain', 'delete_drain') AND json_extract(became, '$.url') LIKE 'http%';
