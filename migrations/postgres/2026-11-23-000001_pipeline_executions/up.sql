CREATE TABLE pipeline_executions (
    id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'Pending',
    open_tasks integer NOT NULL DEFAULT 0,
    failed_tasks integer NOT NULL DEFAULT 0,
    cancelled_tasks integer NOT NULL DEFAULT 0,
    pause_reason text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pipeline_executions_pkey PRIMARY KEY (id),
    CONSTRAINT pipeline_executions_status_check CHECK (
        status IN ('Pending', 'Running', 'Paused', 'Completed', 'Failed', 'Cancelled')
    ),
    CONSTRAINT pipeline_executions_counters_check CHECK (
        open_tasks >= 0 AND failed_tasks >= 0 AND cancelled_tasks >= 0
    )
)
-- Every task that ends rewrites its pipeline's row; room on the page keeps those updates HOT.
WITH (fillfactor = 70);

COMMENT ON TABLE pipeline_executions IS
    'Pipelines: named groups of tasks that start, pause and end together.';
COMMENT ON COLUMN pipeline_executions.id IS 'UUIDv7, so that the order of ids is the order of creation.';
COMMENT ON COLUMN pipeline_executions.name IS 'What the pipeline is for, in the words of who made it.';
COMMENT ON COLUMN pipeline_executions.status IS 'A pipeline status, in PascalCase.';
COMMENT ON COLUMN pipeline_executions.open_tasks IS 'How many of its tasks have not ended.';
COMMENT ON COLUMN pipeline_executions.failed_tasks IS 'How many of its tasks are Failed.';
COMMENT ON COLUMN pipeline_executions.cancelled_tasks IS 'How many of its tasks are Cancelled.';
COMMENT ON COLUMN pipeline_executions.pause_reason IS 'Why it is Paused; NULL when it is not.';
COMMENT ON COLUMN pipeline_executions.created_at IS 'When the pipeline was made.';
COMMENT ON COLUMN pipeline_executions.updated_at IS 'When the row last changed.';
