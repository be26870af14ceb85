CREATE TABLE config_files (
    id TEXT PRIMARY KEY NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    sealed_content TEXT NOT NULL,
    secret INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX config_files_path ON config_files (environment_id, path);

-- Who changed which config vars and files, and when; never their values.
CREATE TABLE config_changes (
    id TEXT PRIMARY KEY NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    author_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    edits TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX config_changes_by_environment ON config_changes (environment_id, id);
CREATE INDEX config_changes_by_author ON config_changes (author_id);
