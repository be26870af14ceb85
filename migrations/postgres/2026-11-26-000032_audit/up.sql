-- Who changed what. No row refers to another table: what an account did is known after it has gone.
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    user_id uuid,
    username text,
    credential text,
    credential_id text,
    action text NOT NULL,
    project_id uuid,
    subject text NOT NULL,
    peer text NOT NULL,
    request_id text NOT NULL,
    was json,
    became json
);
CREATE INDEX audit_by_project ON audit (project_id, id);
CREATE INDEX audit_by_user ON audit (user_id, id);

-- Requests that carried an Idempotency-Key, and what they were answered; no answer while one is under way.
CREATE TABLE idempotent_requests (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL,
    request_hash text NOT NULL,
    sealed_answer text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotent_requests_by_time ON idempotent_requests (created_at);
