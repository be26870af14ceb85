-- The bodies of deliveries that are too long for their rows, of each connection the newest ones.
CREATE TABLE hook_bodies (
    delivery_id TEXT PRIMARY KEY NOT NULL REFERENCES hook_deliveries (id) ON DELETE CASCADE,
    hook_id TEXT NOT NULL,
    -- Compressed (gzip), in base64.
    packed TEXT NOT NULL,
    size INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_bodies_by_hook ON hook_bodies (hook_id, delivery_id);
