-- AUTOINCREMENT: an id that was deleted is never given to another task.
CREATE TABLE task_outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_execution_id BLOB NOT NULL UNIQUE REFERENCES task_executions (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    queue TEXT NOT NULL DEFAULT 'default',
    priority INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1))
) STRICT;

-- The order in which claims take rows. Held rows come last, where no claim looks.
CREATE INDEX task_outbox_claim_idx ON task_outbox (held, priority DESC, id);
-- The same for claims from named queues, which must not read past the rows of others.
CREATE INDEX task_outbox_queue_idx ON task_outbox (queue, held, priority DESC, id);
