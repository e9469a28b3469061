CREATE TABLE task_dependencies (
    task_execution_id uuid NOT NULL,
    dependency_id uuid NOT NULL,
    CONSTRAINT task_dependencies_pkey PRIMARY KEY (task_execution_id, dependency_id),
    CONSTRAINT task_dependencies_task_execution_id_fkey
        FOREIGN KEY (task_execution_id) REFERENCES task_executions (id) ON DELETE CASCADE,
    CONSTRAINT task_dependencies_dependency_id_fkey
        FOREIGN KEY (dependency_id) REFERENCES task_executions (id) ON DELETE CASCADE,
    CONSTRAINT task_dependencies_self_check CHECK (task_execution_id <> dependency_id)
);

CREATE INDEX task_dependencies_dependency_id_idx ON task_dependencies (dependency_id);

COMMENT ON TABLE task_dependencies IS 'Which task waits for the end of which other.';
COMMENT ON COLUMN task_dependencies.task_execution_id IS 'The task that waits.';
COMMENT ON COLUMN task_dependencies.dependency_id IS 'The task that it waits for.';
