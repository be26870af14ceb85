-- How a connection makes previews of pull requests; null: it makes none.
ALTER TABLE hooks ADD COLUMN previews TEXT;
-- Whether previews of pull requests get it.
ALTER TABLE config_vars ADD COLUMN previews INTEGER NOT NULL DEFAULT 0;

-- Pull requests that have a preview, or wait for one.
CREATE TABLE previews (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hook_id TEXT REFERENCES hooks (id) ON DELETE SET NULL,
    number INTEGER NOT NULL,
    -- Null: not made yet, or removed already.
    environment_id TEXT REFERENCES environments (id) ON DELETE SET NULL,
    -- What is fetched.
    reference TEXT NOT NULL,
    title TEXT NOT NULL,
    author TEXT,
    head_branch TEXT NOT NULL,
    head_commit TEXT,
    base_branch TEXT,
    is_fork INTEGER NOT NULL,
    -- The one commit of a fork that somebody has let in.
    approved_commit TEXT,
    -- Whether the deployment of its newest commit was asked for.
    is_asked INTEGER NOT NULL,
    closed_at INTEGER,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX previews_number ON previews (project_id, number);
CREATE INDEX previews_by_hook ON previews (hook_id);
CREATE INDEX previews_by_environment ON previews (environment_id);
