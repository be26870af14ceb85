DROP TABLE known_hosts;
DROP TABLE deploy_keys;
DROP TABLE remote_credentials;
