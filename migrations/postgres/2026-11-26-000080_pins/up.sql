-- What the builds of an environment go by: the versions and base images of the last one that went live. A row without
-- any: somebody has let go of them, and the next build is to take what is newest.
CREATE TABLE environment_pins (
    environment_id uuid PRIMARY KEY REFERENCES environments (id) ON DELETE CASCADE,
    pins json NOT NULL,
    updated_at timestamptz NOT NULL
);
