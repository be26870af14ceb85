DROP TABLE drains;
