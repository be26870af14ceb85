-- What the builds of an environment go by: the versions and base images of the last one that went live. A row without
-- any: somebody has let go of them, and the next build is to take what is newest.
CREATE TABLE environment_pins (
    environment_id TEXT PRIMARY KEY NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    pins TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
