-- Where one leads whose URL has more than a host is in what is dropped here.
DELETE FROM drains WHERE url LIKE '%/…';
ALTER TABLE drains DROP COLUMN sealed_url;
