-- How much the bodies of a project take is asked at each delivery: not of the bodies themselves.
DROP INDEX hook_bodies_by_hook;
CREATE INDEX hook_bodies_by_hook ON hook_bodies (hook_id, delivery_id, size);
