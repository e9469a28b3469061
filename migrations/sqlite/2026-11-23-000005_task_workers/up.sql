CREATE TABLE task_workers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    registered_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    heartbeat_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000),
    lease_expires_at INTEGER NOT NULL,
    lost_tasks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(lost_tasks)),
    cancelled_tasks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(cancelled_tasks))
) STRICT, WITHOUT ROWID;
