-- Runs of the commands of a schedule. `scheduled_at` is the minute that a run is for, of which there is one at most; NULL for
-- one that somebody has started.
CREATE TABLE cron_runs (
    id TEXT PRIMARY KEY NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scheduled_at INTEGER,
    requested_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    exit_code INTEGER,
    reason TEXT,
    output TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX cron_runs_scheduled_at ON cron_runs (environment_id, name, scheduled_at);
CREATE INDEX cron_runs_by_name ON cron_runs (environment_id, name, id);
CREATE INDEX cron_runs_by_requester ON cron_runs (requested_by);
