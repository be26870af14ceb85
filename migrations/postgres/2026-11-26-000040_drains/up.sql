-- Where what a project's instances print is sent to, and how far that is.
CREATE TABLE drains (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment_id uuid REFERENCES environments (id) ON DELETE CASCADE,
    url text NOT NULL,
    sealed_token text,
    certificates text,
    last_success_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    dropped bigint NOT NULL,
    -- Times by instance: when the last line that was sent of it was printed.
    sent json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX drains_by_environment ON drains (environment_id);
CREATE INDEX drains_by_project ON drains (project_id, id);
