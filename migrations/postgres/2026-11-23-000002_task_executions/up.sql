CREATE TABLE task_executions (
    id uuid NOT NULL,
    pipeline_execution_id uuid,
    task_name text NOT NULL,
    queue text NOT NULL DEFAULT 'default',
    priority integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'NotStarted',
    run_when text NOT NULL DEFAULT 'AllCompleted',
    open_dependencies integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 5,
    recoveries integer NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    input jsonb,
    output jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT task_executions_pkey PRIMARY KEY (id),
    CONSTRAINT task_executions_pipeline_execution_id_fkey
        FOREIGN KEY (pipeline_execution_id) REFERENCES pipeline_executions (id) ON DELETE CASCADE,
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
)
-- A task's life is three or four updates of this row. Half a page left free,
-- and no index on a column that changes, keeps them HOT.
WITH (fillfactor = 50);

CREATE INDEX task_executions_pipeline_execution_id_idx
    ON task_executions (pipeline_execution_id, id)
    WHERE pipeline_execution_id IS NOT NULL;

COMMENT ON TABLE task_executions IS
    'Tasks: the record. Where a live task waits or runs is said by the row it has in task_outbox, task_schedule or task_claims.';
COMMENT ON COLUMN task_executions.id IS 'UUIDv7 unless its maker chose another, so that the order of ids is the order of creation.';
COMMENT ON COLUMN task_executions.pipeline_execution_id IS 'The pipeline it belongs to; NULL for a task of its own.';
COMMENT ON COLUMN task_executions.task_name IS 'Which code runs it: the name under which workers register a handler.';
COMMENT ON COLUMN task_executions.queue IS 'The queue that workers claim it from.';
COMMENT ON COLUMN task_executions.priority IS 'Higher is claimed first.';
COMMENT ON COLUMN task_executions.status IS 'A task status, in PascalCase.';
COMMENT ON COLUMN task_executions.run_when IS 'Which ends of its dependencies make it ready.';
COMMENT ON COLUMN task_executions.open_dependencies IS 'How many of its dependencies have not ended.';
COMMENT ON COLUMN task_executions.attempt IS 'How often it was claimed, without the attempts given back; 1 at the first claim.';
COMMENT ON COLUMN task_executions.max_attempts IS 'How many attempts it has before it fails for good.';
COMMENT ON COLUMN task_executions.recoveries IS 'How often it was taken back from a worker that had died.';
COMMENT ON COLUMN task_executions.epoch IS 'Grows with every claim and never goes back: the fence against workers that lost theirs.';
COMMENT ON COLUMN task_executions.input IS 'What its maker gave it.';
COMMENT ON COLUMN task_executions.output IS 'What completing it returned.';
COMMENT ON COLUMN task_executions.created_at IS 'When the task was made.';
COMMENT ON COLUMN task_executions.updated_at IS 'When the row last changed.';
