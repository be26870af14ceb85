-- What feedback has made at a provider for an environment, by its ids there. It outlives the environment until that is told.
CREATE TABLE feedback_places (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    -- The deployment that is live.
    deployment INTEGER,
    -- The comment of the pull request.
    comment INTEGER,
    PRIMARY KEY (webhook_id, environment_id)
) STRICT;
