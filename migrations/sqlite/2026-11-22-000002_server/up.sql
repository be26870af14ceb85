-- Whose database this is: one row, the id in the home of the server that may use it. The store keeps it at one.
CREATE TABLE server (
    id TEXT PRIMARY KEY NOT NULL,
    claimed_at INTEGER NOT NULL
) STRICT;
