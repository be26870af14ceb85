DROP TABLE hook_memory;
