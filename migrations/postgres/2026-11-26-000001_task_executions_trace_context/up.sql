ALTER TABLE task_executions ADD COLUMN trace_context jsonb;

COMMENT ON COLUMN task_executions.trace_context IS
    'Which trace it was made in, as a propagator writes it: {"traceparent": "00-…"}; NULL if none was given.';
