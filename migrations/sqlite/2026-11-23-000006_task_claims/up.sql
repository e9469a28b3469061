CREATE TABLE task_claims (
    task_execution_id BLOB NOT NULL PRIMARY KEY REFERENCES task_executions (id) ON DELETE CASCADE,
    worker_id BLOB NOT NULL REFERENCES task_workers (id),
    epoch INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_claims_worker_id_idx ON task_claims (worker_id);
