DROP TABLE deployment_log_sizes;
