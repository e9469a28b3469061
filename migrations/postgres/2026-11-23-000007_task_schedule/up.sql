CREATE TABLE task_schedule (
    task_execution_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT task_schedule_pkey PRIMARY KEY (task_execution_id),
    CONSTRAINT task_schedule_task_execution_id_fkey
        FOREIGN KEY (task_execution_id) REFERENCES task_executions (id) ON DELETE CASCADE
)
-- As short-lived as the rows of task_outbox, if slower.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE INDEX task_schedule_due_at_idx ON task_schedule (due_at);

COMMENT ON TABLE task_schedule IS 'Scheduled tasks, one row each: they become ready once they are due.';
COMMENT ON COLUMN task_schedule.task_execution_id IS 'The task that waits.';
COMMENT ON COLUMN task_schedule.due_at IS 'When it becomes ready.';
