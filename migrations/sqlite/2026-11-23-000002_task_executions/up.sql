CREATE TABLE task_executions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    pipeline_execution_id BLOB REFERENCES pipeline_executions (id) ON DELETE CASCADE,
    task_name TEXT NOT NULL,
    queue TEXT NOT NULL DEFAULT 'default',
    priority INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'NotStarted',
    run_when TEXT NOT NULL DEFAULT 'AllCompleted',
    open_dependencies INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 5,
    recoveries INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    input TEXT CHECK (json_valid(input)),
    output TEXT CHECK (json_valid(output)),
    created_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    updated_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    CONSTRAINT task_executions_status_check CHECK (
        status IN (
            'NotStarted', 'Scheduled', 'Ready', 'Running',
            'Completed', 'Failed', 'Skipped', 'Cancelled'
        )
    ),
    CONSTRAINT task_executions_run_when_check CHECK (run_when IN ('AllCompleted', 'AllDone')),
    CONSTRAINT task_executions_counters_check CHECK (
        open_dependencies >= 0 AND attempt >= 0 AND max_attempts >= 1
        AND recoveries >= 0 AND epoch >= 0
    )
) STRICT;

CREATE INDEX task_executions_pipeline_execution_id_idx
    ON task_executions (pipeline_execution_id, id)
    WHERE pipeline_execution_id IS NOT NULL;
