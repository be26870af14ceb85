-- How many of the attempts at a job have ended by themselves: the others ended with the server.
ALTER TABLE jobs ADD COLUMN ends integer NOT NULL DEFAULT 0;
