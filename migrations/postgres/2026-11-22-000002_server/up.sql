-- Whose database this is: one row, the id in the home of the server that may use it. The store keeps it at one.
CREATE TABLE server (
    id uuid PRIMARY KEY,
    claimed_at timestamptz NOT NULL
);
