-- Who is told what happens to a project.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    format TEXT NOT NULL,
    -- As much of where it leads as may be shown, and the whole of it.
    target TEXT NOT NULL,
    sealed_target TEXT NOT NULL,
    -- A list of kinds, or null for every kind.
    events TEXT NOT NULL,
    sealed_secret TEXT,
    sealed_previous_secret TEXT,
    previous_until INTEGER,
    disabled_at INTEGER,
    disabled_reason TEXT,
    failing_since INTEGER,
    last_success_at INTEGER,
    last_error TEXT,
    last_error_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_project ON webhooks (project_id, id);

-- What each is told, in the order of the ids: written in the transaction of what has happened.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempted_at INTEGER,
    duration_ms INTEGER,
    response_status INTEGER,
    response TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
-- What waits is looked for once a second, among what is kept to be looked at.
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (state, webhook_id, id);
