DROP TABLE environment_pins;
