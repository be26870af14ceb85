DROP TABLE idempotent_requests;
DROP TABLE audit;
