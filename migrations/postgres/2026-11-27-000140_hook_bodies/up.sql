-- The bodies of deliveries that are too long for their rows, of each connection the newest ones.
CREATE TABLE hook_bodies (
    delivery_id uuid PRIMARY KEY REFERENCES hook_deliveries (id) ON DELETE CASCADE,
    hook_id uuid NOT NULL,
    -- Compressed (gzip), in base64.
    packed text NOT NULL,
    size bigint NOT NULL
);
CREATE INDEX hook_bodies_by_hook ON hook_bodies (hook_id, delivery_id);
