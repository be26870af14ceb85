-- A login; its id is the family of its refresh tokens, and it lasts as long as one of them may be used.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    peer text,
    user_agent text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
INSERT INTO sessions (id, user_id, created_at, last_used_at)
    SELECT family_id, user_id, MIN(created_at), MAX(created_at) FROM refresh_tokens GROUP BY family_id, user_id;

CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret text NOT NULL,
    confirmed_at timestamptz,
    -- The newest time step of which a code was used: no code is taken twice.
    last_step bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash text NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    hash text NOT NULL,
    email text, -- the only address that it is for, where it is for one
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    expires_at timestamptz NOT NULL,
    used_by uuid REFERENCES users (id) ON DELETE SET NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX invitations_hash ON invitations (hash);
CREATE INDEX invitations_by_creator ON invitations (created_by);
CREATE INDEX invitations_by_user ON invitations (used_by);

-- Keys that sign access tokens: derived from the master key by their id, never stored. One is not retired: it signs.
CREATE TABLE signing_keys (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);
