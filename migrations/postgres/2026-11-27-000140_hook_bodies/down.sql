DROP TABLE hook_bodies;
