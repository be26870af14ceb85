-- How a connection makes previews of pull requests; null: it makes none.
ALTER TABLE hooks ADD COLUMN previews json;
-- Whether previews of pull requests get it.
ALTER TABLE config_vars ADD COLUMN previews boolean NOT NULL DEFAULT false;

-- Pull requests that have a preview, or wait for one.
CREATE TABLE previews (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hook_id uuid REFERENCES hooks (id) ON DELETE SET NULL,
    number bigint NOT NULL,
    -- Null: not made yet, or removed already.
    environment_id uuid REFERENCES environments (id) ON DELETE SET NULL,
    -- What is fetched.
    reference text NOT NULL,
    title text NOT NULL,
    author text,
    head_branch text NOT NULL,
    head_commit text,
    base_branch text,
    is_fork boolean NOT NULL,
    -- The one commit of a fork that somebody has let in.
    approved_commit text,
    -- Whether the deployment of its newest commit was asked for.
    is_asked boolean NOT NULL,
    closed_at timestamptz,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX previews_number ON previews (project_id, number);
CREATE INDEX previews_by_hook ON previews (hook_id);
CREATE INDEX previews_by_environment ON previews (environment_id);
