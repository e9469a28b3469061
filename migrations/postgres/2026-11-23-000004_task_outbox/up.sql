CREATE TABLE task_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    task_execution_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    queue text NOT NULL DEFAULT 'default',
    priority integer NOT NULL DEFAULT 0,
    held boolean NOT NULL DEFAULT false,
    CONSTRAINT task_outbox_pkey PRIMARY KEY (id),
    CONSTRAINT task_outbox_task_execution_id_key UNIQUE (task_execution_id),
    CONSTRAINT task_outbox_task_execution_id_fkey
        FOREIGN KEY (task_execution_id) REFERENCES task_executions (id) ON DELETE CASCADE
)
-- Every row is inserted once and deleted once, so dead rows come as fast as
-- tasks do: vacuum by count, not by share of the table.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The order in which claims take rows. Held rows come last, where no claim looks.
CREATE INDEX task_outbox_claim_idx ON task_outbox (held, priority DESC, id);
-- The same for claims from named queues, which must not read past the rows of others.
-- In an order that the other index does not have, or the planner would read all queues there for one.
CREATE INDEX task_outbox_queue_idx ON task_outbox (queue, held, (priority + 0) DESC, id);

COMMENT ON TABLE task_outbox IS
    'Ready tasks, one row each: inserted when a task becomes Ready, deleted when it is claimed. Nothing else selects ready work.';
COMMENT ON COLUMN task_outbox.id IS 'Ascends in the order in which tasks became ready.';
COMMENT ON COLUMN task_outbox.task_execution_id IS 'The task that is ready.';
COMMENT ON COLUMN task_outbox.created_at IS 'When it became ready.';
COMMENT ON COLUMN task_outbox.queue IS 'Its queue, copied so that a claim looks nowhere else.';
COMMENT ON COLUMN task_outbox.priority IS 'Its priority, copied likewise.';
COMMENT ON COLUMN task_outbox.held IS 'Whether its pipeline is paused; claims leave such rows.';
