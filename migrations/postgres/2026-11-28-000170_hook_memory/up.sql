-- By what a delivery is known when it comes again: however many have come since, and its row is forgotten.
CREATE TABLE hook_memory (
    hook_id uuid NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    -- `id:` with its id, or `content:` with what stands for its content.
    known_by text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (hook_id, known_by)
);
CREATE INDEX hook_memory_by_time ON hook_memory (received_at);
INSERT INTO hook_memory (hook_id, known_by, received_at)
    SELECT hook_id, 'id:' || delivery_key, received_at FROM hook_deliveries WHERE redelivery_of IS NULL;
INSERT INTO hook_memory (hook_id, known_by, received_at)
    SELECT hook_id, 'content:' || content_digest, min(received_at) FROM hook_deliveries
    WHERE content_digest IS NOT NULL GROUP BY hook_id, content_digest;
