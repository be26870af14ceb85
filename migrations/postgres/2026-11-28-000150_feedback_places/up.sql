-- What feedback has made at a provider for an environment, by its ids there. It outlives the environment until that is told.
CREATE TABLE feedback_places (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    environment_id uuid NOT NULL,
    -- The deployment that is live.
    deployment bigint,
    -- The comment of the pull request.
    comment bigint,
    PRIMARY KEY (webhook_id, environment_id)
);
