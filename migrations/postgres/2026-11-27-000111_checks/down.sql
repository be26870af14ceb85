ALTER TABLE hooks DROP COLUMN wait_for_checks;
