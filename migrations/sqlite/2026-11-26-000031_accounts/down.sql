DROP TABLE signing_keys;
DROP TABLE invitations;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
DROP TABLE sessions;
