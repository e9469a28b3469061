CREATE TABLE task_dependencies (
    task_execution_id BLOB NOT NULL REFERENCES task_executions (id) ON DELETE CASCADE,
    dependency_id BLOB NOT NULL REFERENCES task_executions (id) ON DELETE CASCADE,
    PRIMARY KEY (task_execution_id, dependency_id),
    CONSTRAINT task_dependencies_self_check CHECK (task_execution_id <> dependency_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_dependencies_dependency_id_idx ON task_dependencies (dependency_id);
