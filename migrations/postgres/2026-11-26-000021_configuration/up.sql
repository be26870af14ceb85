CREATE TABLE config_files (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    path text NOT NULL,
    sealed_content text NOT NULL,
    secret boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX config_files_path ON config_files (environment_id, path);

-- Who changed which config vars and files, and when; never their values.
CREATE TABLE config_changes (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    author_id uuid REFERENCES users (id) ON DELETE SET NULL,
    edits json NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX config_changes_by_environment ON config_changes (environment_id, id);
CREATE INDEX config_changes_by_author ON config_changes (author_id);
