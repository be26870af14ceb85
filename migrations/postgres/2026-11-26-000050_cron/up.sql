-- Runs of the commands of a schedule. `scheduled_at` is the minute that a run is for, of which there is one at most; NULL for
-- one that somebody has started.
CREATE TABLE cron_runs (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name text NOT NULL,
    scheduled_at timestamptz,
    requested_by uuid REFERENCES users (id) ON DELETE SET NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    exit_code bigint,
    reason text,
    output text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE UNIQUE INDEX cron_runs_scheduled_at ON cron_runs (environment_id, name, scheduled_at);
CREATE INDEX cron_runs_by_name ON cron_runs (environment_id, name, id);
CREATE INDEX cron_runs_by_requester ON cron_runs (requested_by);
