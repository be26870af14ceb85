-- How large each log is, counted while it is written: adding up the lines of all takes longer than the pause between two looks.
-- A row of a log takes 80 bytes beside its text, more or less.
CREATE TABLE deployment_log_sizes (
    deployment_id TEXT PRIMARY KEY NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO deployment_log_sizes (deployment_id, bytes)
    SELECT deployment_id, SUM(LENGTH(CAST(text AS BLOB)) + 80) FROM deployment_logs GROUP BY deployment_id;
