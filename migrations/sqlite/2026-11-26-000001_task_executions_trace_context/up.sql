ALTER TABLE task_executions ADD COLUMN trace_context TEXT CHECK (json_valid(trace_context));
