use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `task_dependencies`: one task waits for the end of another.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_dependencies)]
pub struct TaskDependency {
    /// The task that waits.
    pub task_execution_id: Uuid,
    /// The task that it waits for.
    pub dependency_id: Uuid,
}
