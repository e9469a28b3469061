CREATE TABLE pipeline_executions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'Pending',
    open_tasks INTEGER NOT NULL DEFAULT 0,
    failed_tasks INTEGER NOT NULL DEFAULT 0,
    cancelled_tasks INTEGER NOT NULL DEFAULT 0,
    pause_reason TEXT,
    created_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    updated_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    CONSTRAINT pipeline_executions_status_check CHECK (
        status IN ('Pending', 'Running', 'Paused', 'Completed', 'Failed', 'Cancelled')
    ),
    CONSTRAINT pipeline_executions_counters_check CHECK (
        open_tasks >= 0 AND failed_tasks >= 0 AND cancelled_tasks >= 0
    )
) STRICT;
