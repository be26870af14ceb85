-- A login; its id is the family of its refresh tokens, and it lasts as long as one of them may be used.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    peer TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
INSERT INTO sessions (id, user_id, created_at, last_used_at)
    SELECT family_id, user_id, MIN(created_at), MAX(created_at) FROM refresh_tokens GROUP BY family_id, user_id;

CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret TEXT NOT NULL,
    confirmed_at INTEGER,
    -- The newest time step of which a code was used: no code is taken twice.
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    id TEXT PRIMARY KEY NOT NULL,
    hash TEXT NOT NULL,
    email TEXT, -- the only address that it is for, where it is for one
    created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    expires_at INTEGER NOT NULL,
    used_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    used_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX invitations_hash ON invitations (hash);
CREATE INDEX invitations_by_creator ON invitations (created_by);
CREATE INDEX invitations_by_user ON invitations (used_by);

-- Keys that sign access tokens: derived from the master key by their id, never stored. One is not retired: it signs.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;
