DROP TABLE cron_runs;
