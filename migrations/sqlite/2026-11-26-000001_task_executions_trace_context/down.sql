ALTER TABLE task_executions DROP COLUMN trace_context;
