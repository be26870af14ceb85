-- Repositories elsewhere that a project is connected to.
CREATE TABLE webhooks (
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
CREATE INDEX webhooks_by_project ON webhooks (project_id, id);
CREATE INDEX webhooks_by_tag_environment ON webhooks (tag_environment_id);

-- What has come for them, and what became of it.
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
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
CREATE UNIQUE INDEX webhook_deliveries_delivery_key ON webhook_deliveries (webhook_id, delivery_key);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (received_at);
