-- Who changed what. No row refers to another table: what an account did is known after it has gone.
CREATE TABLE audit (
    id TEXT PRIMARY KEY NOT NULL,
    occurred_at INTEGER NOT NULL,
    user_id TEXT,
    username TEXT,
    credential TEXT,
    credential_id TEXT,
    action TEXT NOT NULL,
    project_id TEXT,
    subject TEXT NOT NULL,
    peer TEXT NOT NULL,
    request_id TEXT NOT NULL,
    was TEXT,
    became TEXT
) STRICT;
CREATE INDEX audit_by_project ON audit (project_id, id);
CREATE INDEX audit_by_user ON audit (user_id, id);

-- Requests that carried an Idempotency-Key, and what they were answered; no answer while one is under way.
CREATE TABLE idempotent_requests (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    sealed_answer TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotent_requests_by_time ON idempotent_requests (created_at);
