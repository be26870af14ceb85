-- Repositories elsewhere that a project is connected to.
CREATE TABLE hooks (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag_environment_id TEXT REFERENCES environments (id) ON DELETE SET NULL,
    enabled INTEGER NOT NULL,
    sealed_secret TEXT NOT NULL,
    -- The secret from before the last rotation, and until when it is taken.
    sealed_previous TEXT,
    previous_until INTEGER,
    -- When something came that was not signed with the secret.
    refused_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX hooks_by_project ON hooks (project_id, id);
CREATE INDEX hooks_by_tag_environment ON hooks (tag_environment_id);

-- What has come for them, and what became of it.
CREATE TABLE hook_deliveries (
    id TEXT PRIMARY KEY NOT NULL,
    hook_id TEXT NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    -- By what the same delivery is known when it comes again.
    delivery_key TEXT NOT NULL,
    event TEXT NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    is_truncated INTEGER NOT NULL,
    -- What was read from it.
    parsed TEXT NOT NULL,
    outcome TEXT NOT NULL,
    commit_id TEXT,
    -- What was live when nothing that the project watches had changed.
    unchanged_from TEXT,
    redelivery_of TEXT,
    received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX hook_deliveries_delivery_key ON hook_deliveries (hook_id, delivery_key);
CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook_id, id);
CREATE INDEX hook_deliveries_by_time ON hook_deliveries (received_at);
