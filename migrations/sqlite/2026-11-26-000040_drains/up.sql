-- Where what a project's instances print is sent to, and how far that is.
CREATE TABLE drains (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment_id TEXT REFERENCES environments (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    sealed_token TEXT,
    certificates TEXT,
    last_success_at INTEGER,
    last_error TEXT,
    last_error_at INTEGER,
    dropped INTEGER NOT NULL,
    -- Times by instance: when the last line that was sent of it was printed.
    sent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX drains_by_environment ON drains (environment_id);
CREATE INDEX drains_by_project ON drains (project_id, id);
