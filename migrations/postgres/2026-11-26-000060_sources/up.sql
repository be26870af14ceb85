-- Who a project is to hosts that repositories and images come from.
CREATE TABLE remote_credentials (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    host text NOT NULL,
    username text NOT NULL,
    sealed_password text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, host)
);

-- The key with which a project fetches over SSH.
CREATE TABLE deploy_keys (
    project_id uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    public_key text NOT NULL,
    sealed_private_key text NOT NULL,
    created_at timestamptz NOT NULL
);

-- The keys that hosts had when a project fetched from them first.
CREATE TABLE known_hosts (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    host text NOT NULL,
    host_keys text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, host)
);
