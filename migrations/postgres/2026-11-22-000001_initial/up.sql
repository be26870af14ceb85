-- The same tables, columns and indexes as migrations/sqlite; a test compares them.
-- A unique index is called <table>_<last column>: the store finds the field of a conflict by that name.
-- Documents are json and not jsonb: nothing looks inside them, and json keeps every string that serde can write.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL, -- lower-cased by the type that is stored
    username text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE UNIQUE INDEX users_username ON users (username);

CREATE TABLE ssh_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    public_key text NOT NULL,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE UNIQUE INDEX ssh_keys_fingerprint ON ssh_keys (fingerprint);
CREATE INDEX ssh_keys_by_user ON ssh_keys (user_id);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    hash text NOT NULL,
    scopes json NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE refresh_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    family_id uuid NOT NULL,
    hash text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (hash);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

CREATE TABLE projects (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    slug text NOT NULL,
    framework text,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX projects_slug ON projects (slug);
CREATE INDEX projects_by_owner ON projects (owner_id, id);

CREATE TABLE environments (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name text NOT NULL,
    branch text,
    settings json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX environments_name ON environments (project_id, name);
-- A branch deploys to one place; any number of environments may follow none.
CREATE UNIQUE INDEX environments_branch ON environments (project_id, branch);

CREATE TABLE config_vars (
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name text NOT NULL,
    sealed_value text NOT NULL,
    scope text NOT NULL,
    secret boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (environment_id, name)
);

CREATE TABLE deployments (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    state text NOT NULL,
    commit_id text NOT NULL,
    branch text,
    previous_commit text,
    author_id uuid REFERENCES users (id) ON DELETE SET NULL,
    source text NOT NULL,
    options json NOT NULL,
    record json NOT NULL,
    cancel_requested_at timestamptz,
    reason text,
    version bigint,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz
);
-- At most one deployment of an environment waits.
CREATE UNIQUE INDEX deployments_environment_id ON deployments (environment_id) WHERE state = 'queued';
CREATE INDEX deployments_by_environment ON deployments (environment_id, id);
CREATE INDEX deployments_by_project ON deployments (project_id, id);
CREATE INDEX deployments_by_author ON deployments (author_id);
CREATE INDEX deployments_by_state ON deployments (state);

CREATE TABLE deployment_events (
    deployment_id uuid NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    state text NOT NULL,
    occurred_at timestamptz NOT NULL,
    detail text,
    PRIMARY KEY (deployment_id, seq)
);

CREATE TABLE deployment_logs (
    deployment_id uuid NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    logged_at timestamptz NOT NULL,
    level text NOT NULL,
    step text NOT NULL,
    stream text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (deployment_id, seq)
);

CREATE TABLE releases (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    deployment_id uuid NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    version bigint NOT NULL,
    commit_id text,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    content json NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX releases_version ON releases (environment_id, version);
CREATE UNIQUE INDEX releases_deployment_id ON releases (deployment_id);
CREATE INDEX releases_by_creator ON releases (created_by);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    payload json NOT NULL,
    lock_key text,
    -- The deployment that the job works for: the job goes when the deployment goes.
    deployment_id uuid REFERENCES deployments (id) ON DELETE CASCADE,
    state text NOT NULL,
    attempts integer NOT NULL,
    run_at timestamptz NOT NULL,
    worker text,
    lease_until timestamptz,
    error text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
-- What two jobs with one lock key have in common is never worked on twice at a time.
CREATE UNIQUE INDEX jobs_lock_key ON jobs (lock_key) WHERE state = 'running';
CREATE INDEX jobs_by_state ON jobs (state, run_at);
CREATE INDEX jobs_by_deployment ON jobs (deployment_id);
