-- AUTOINCREMENT: ids ascend for ever, also after the newest events were deleted.
CREATE TABLE execution_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pipeline_execution_id BLOB,
    task_execution_id BLOB,
    event_type TEXT NOT NULL,
    event_data TEXT CHECK (json_valid(event_data)),
    created_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    transaction_id INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT execution_events_subject_check CHECK (
        pipeline_execution_id IS NOT NULL OR task_execution_id IS NOT NULL
    )
) STRICT;

CREATE INDEX execution_events_task_execution_id_idx
    ON execution_events (task_execution_id, id)
    WHERE task_execution_id IS NOT NULL;
CREATE INDEX execution_events_pipeline_execution_id_idx
    ON execution_events (pipeline_execution_id, id)
    WHERE task_execution_id IS NULL;
CREATE INDEX execution_events_rare_event_type_idx
    ON execution_events (event_type, id)
    WHERE event_type NOT IN ('task_created', 'task_marked_ready', 'task_claimed', 'task_completed');
