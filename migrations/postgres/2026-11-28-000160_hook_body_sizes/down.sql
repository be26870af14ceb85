DROP INDEX hook_bodies_by_hook;
CREATE INDEX hook_bodies_by_hook ON hook_bodies (hook_id, delivery_id);
