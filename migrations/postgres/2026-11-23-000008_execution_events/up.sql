CREATE TABLE execution_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    pipeline_execution_id uuid,
    task_execution_id uuid,
    event_type text NOT NULL,
    event_data jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    CONSTRAINT execution_events_pkey PRIMARY KEY (id),
    CONSTRAINT execution_events_subject_check CHECK (
        pipeline_execution_id IS NOT NULL OR task_execution_id IS NOT NULL
    )
);

-- A task's life writes four events, so every index here is paid four times a
-- task. Each of these leaves out the rows that its readers don't ask for, and
-- the times are ordered well enough for a BRIN index, which costs next to nothing.
CREATE INDEX execution_events_task_execution_id_idx
    ON execution_events (task_execution_id, id)
    WHERE task_execution_id IS NOT NULL;
CREATE INDEX execution_events_pipeline_execution_id_idx
    ON execution_events (pipeline_execution_id, id)
    WHERE task_execution_id IS NULL;
CREATE INDEX execution_events_rare_event_type_idx
    ON execution_events (event_type, id)
    WHERE event_type NOT IN ('task_created', 'task_marked_ready', 'task_claimed', 'task_completed');
CREATE INDEX execution_events_created_at_idx
    ON execution_events USING brin (created_at);

COMMENT ON TABLE execution_events IS
    'History, append-only: one row for every transition of a task, and of a pipeline (which has no task id).';
COMMENT ON COLUMN execution_events.id IS 'Ascends within a task. Across tasks it is the order of writing, not of commits.';
COMMENT ON COLUMN execution_events.pipeline_execution_id IS 'The pipeline; NULL for a task of its own.';
COMMENT ON COLUMN execution_events.task_execution_id IS 'The task; NULL for an event of the pipeline itself.';
COMMENT ON COLUMN execution_events.event_type IS 'What happened, in snake_case.';
COMMENT ON COLUMN execution_events.event_data IS 'What there is to say of it, by event type; NULL if nothing.';
COMMENT ON COLUMN execution_events.created_at IS 'When it happened, by the clock of the database.';
COMMENT ON COLUMN execution_events.transaction_id IS
    'The transaction that wrote it: what a reader that follows the log needs to miss nothing. 0 on SQLite, whose ids are in commit order.';
