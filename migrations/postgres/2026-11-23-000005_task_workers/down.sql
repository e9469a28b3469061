DROP TABLE task_workers;
