-- The same tables, columns and indexes as migrations/postgres; a test compares them.
-- A unique index is called <table>_<last column>: the store finds the field of a conflict by that name.
-- Ids are hyphenated UUIDs, times are microseconds since 1970 in UTC, documents are JSON.

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL, -- lower-cased by the type that is stored
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_email ON users (email);
CREATE UNIQUE INDEX users_username ON users (username);

CREATE TABLE ssh_keys (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX ssh_keys_fingerprint ON ssh_keys (fingerprint);
CREATE INDEX ssh_keys_by_user ON ssh_keys (user_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE refresh_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    family_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (hash);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    framework TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX projects_slug ON projects (slug);
CREATE INDEX projects_by_owner ON projects (owner_id, id);

CREATE TABLE environments (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    branch TEXT,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX environments_name ON environments (project_id, name);
-- A branch deploys to one place; any number of environments may follow none.
CREATE UNIQUE INDEX environments_branch ON environments (project_id, branch);

CREATE TABLE config_vars (
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sealed_value TEXT NOT NULL,
    scope TEXT NOT NULL,
    secret INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployments (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    branch TEXT,
    previous_commit TEXT,
    author_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    source TEXT NOT NULL,
    options TEXT NOT NULL,
    record TEXT NOT NULL,
    cancel_requested_at INTEGER,
    reason TEXT,
    version INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
-- At most one deployment of an environment waits.
CREATE UNIQUE INDEX deployments_environment_id ON deployments (environment_id) WHERE state = 'queued';
CREATE INDEX deployments_by_environment ON deployments (environment_id, id);
CREATE INDEX deployments_by_project ON deployments (project_id, id);
CREATE INDEX deployments_by_author ON deployments (author_id);
CREATE INDEX deployments_by_state ON deployments (state);

CREATE TABLE deployment_events (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (deployment_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployment_logs (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    logged_at INTEGER NOT NULL,
    level TEXT NOT NULL,
    step TEXT NOT NULL,
    stream TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (deployment_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    id TEXT PRIMARY KEY NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    commit_id TEXT,
    created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX releases_version ON releases (environment_id, version);
CREATE UNIQUE INDEX releases_deployment_id ON releases (deployment_id);
CREATE INDEX releases_by_creator ON releases (created_by);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    lock_key TEXT,
    -- The deployment that the job works for: the job goes when the deployment goes.
    deployment_id TEXT REFERENCES deployments (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    worker TEXT,
    lease_until INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
-- What two jobs with one lock key have in common is never worked on twice at a time.
CREATE UNIQUE INDEX jobs_lock_key ON jobs (lock_key) WHERE state = 'running';
CREATE INDEX jobs_by_state ON jobs (state, run_at);
CREATE INDEX jobs_by_deployment ON jobs (deployment_id);
