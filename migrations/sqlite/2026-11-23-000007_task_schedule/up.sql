CREATE TABLE task_schedule (
    task_execution_id BLOB NOT NULL PRIMARY KEY REFERENCES task_executions (id) ON DELETE CASCADE,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX task_schedule_due_at_idx ON task_schedule (due_at);
