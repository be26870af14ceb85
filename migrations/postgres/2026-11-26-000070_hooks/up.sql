-- Repositories elsewhere that a project is connected to.
CREATE TABLE hooks (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    provider text NOT NULL,
    repository text NOT NULL,
    tag_environment_id uuid REFERENCES environments (id) ON DELETE SET NULL,
    enabled boolean NOT NULL,
    sealed_secret text NOT NULL,
    -- The secret from before the last rotation, and until when it is taken.
    sealed_previous text,
    previous_until timestamptz,
    -- When something came that was not signed with the secret.
    refused_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX hooks_by_project ON hooks (project_id, id);
CREATE INDEX hooks_by_tag_environment ON hooks (tag_environment_id);

-- What has come for them, and what became of it.
CREATE TABLE hook_deliveries (
    id uuid PRIMARY KEY,
    hook_id uuid NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    -- By what the same delivery is known when it comes again.
    delivery_key text NOT NULL,
    event text NOT NULL,
    headers json NOT NULL,
    body text NOT NULL,
    is_truncated boolean NOT NULL,
    -- What was read from it.
    parsed json NOT NULL,
    outcome json NOT NULL,
    commit_id text,
    -- What was live when nothing that the project watches had changed.
    unchanged_from text,
    redelivery_of uuid,
    received_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX hook_deliveries_delivery_key ON hook_deliveries (hook_id, delivery_key);
CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook_id, id);
CREATE INDEX hook_deliveries_by_time ON hook_deliveries (received_at);
