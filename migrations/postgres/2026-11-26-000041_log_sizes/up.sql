-- How large each log is, counted while it is written: adding up the lines of all takes longer than the pause between two looks.
-- A row of a log takes 80 bytes beside its text, more or less.
CREATE TABLE deployment_log_sizes (
    deployment_id uuid PRIMARY KEY REFERENCES deployments (id) ON DELETE CASCADE,
    bytes bigint NOT NULL
);
INSERT INTO deployment_log_sizes (deployment_id, bytes)
    SELECT deployment_id, CAST(SUM(OCTET_LENGTH(text) + 80) AS bigint) FROM deployment_logs GROUP BY deployment_id;
