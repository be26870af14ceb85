-- Whether what is pushed is deployed only once the checks of its commit have succeeded.
ALTER TABLE hooks ADD COLUMN wait_for_checks boolean NOT NULL DEFAULT FALSE;
