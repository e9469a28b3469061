DROP TABLE pipeline_executions;
