-- Who a project is to hosts that repositories and images come from.
CREATE TABLE remote_credentials (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    username TEXT NOT NULL,
    sealed_password TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, host)
) STRICT, WITHOUT ROWID;

-- The key with which a project fetches over SSH.
CREATE TABLE deploy_keys (
    project_id TEXT PRIMARY KEY NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    public_key TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The keys that hosts had when a project fetched from them first.
CREATE TABLE known_hosts (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    host_keys TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, host)
) STRICT, WITHOUT ROWID;
