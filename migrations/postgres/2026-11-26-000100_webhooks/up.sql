-- Who is told what happens to a project.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    format text NOT NULL,
    -- As much of where it leads as may be shown, and the whole of it.
    target text NOT NULL,
    sealed_target text NOT NULL,
    -- A list of kinds, or null for every kind.
    events json NOT NULL,
    sealed_secret text,
    sealed_previous_secret text,
    previous_until timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    failing_since timestamptz,
    last_success_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX webhooks_by_project ON webhooks (project_id, id);

-- What each is told, in the order of the ids: written in the transaction of what has happened.
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event json NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempted_at timestamptz,
    duration_ms bigint,
    response_status integer,
    response text,
    error text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
-- What waits is looked for once a second, among what is kept to be looked at.
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (state, webhook_id, id);
