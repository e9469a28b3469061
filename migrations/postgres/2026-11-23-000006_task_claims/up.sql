CREATE TABLE task_claims (
    task_execution_id uuid NOT NULL,
    worker_id uuid NOT NULL,
    epoch bigint NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT task_claims_pkey PRIMARY KEY (task_execution_id),
    CONSTRAINT task_claims_task_execution_id_fkey
        FOREIGN KEY (task_execution_id) REFERENCES task_executions (id) ON DELETE CASCADE,
    CONSTRAINT task_claims_worker_id_fkey
        FOREIGN KEY (worker_id) REFERENCES task_workers (id)
)
-- As short-lived as the rows of task_outbox.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE INDEX task_claims_worker_id_idx ON task_claims (worker_id);

COMMENT ON TABLE task_claims IS 'Running tasks, one row each: inserted by the claim, deleted when the attempt ends.';
COMMENT ON COLUMN task_claims.task_execution_id IS 'The task that runs.';
COMMENT ON COLUMN task_claims.worker_id IS 'The worker that runs it.';
COMMENT ON COLUMN task_claims.epoch IS 'The epoch of this claim; a worker that holds another has lost the task.';
COMMENT ON COLUMN task_claims.claimed_at IS 'When it was claimed.';
