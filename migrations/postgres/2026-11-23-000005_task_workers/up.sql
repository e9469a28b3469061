CREATE TABLE task_workers (
    id uuid NOT NULL,
    name text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_expires_at timestamptz NOT NULL,
    lost_tasks jsonb NOT NULL DEFAULT '[]',
    cancelled_tasks jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT task_workers_pkey PRIMARY KEY (id)
)
-- A few rows, each rewritten by every heartbeat.
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

COMMENT ON TABLE task_workers IS 'Running executors, one row each: a lease that one heartbeat statement renews, whatever the worker runs.';
COMMENT ON COLUMN task_workers.id IS 'UUIDv7, a new one at each registration.';
COMMENT ON COLUMN task_workers.name IS 'What the worker calls itself, such as its host.';
COMMENT ON COLUMN task_workers.registered_at IS 'When it registered.';
COMMENT ON COLUMN task_workers.heartbeat_at IS 'When it last renewed its lease.';
COMMENT ON COLUMN task_workers.lease_expires_at IS 'When others may take back what it runs.';
COMMENT ON COLUMN task_workers.lost_tasks IS 'Tasks that were taken back from it since its last heartbeat, which tells it so.';
COMMENT ON COLUMN task_workers.cancelled_tasks IS 'Tasks that it ran and that were cancelled since its last heartbeat.';
