use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{TaskStatus, debug::debug_only};

/// A row of `task_dependencies`: one task waits for the end of another.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_dependencies)]
pub struct TaskDependency {
    /// The task that waits.
    pub task_execution_id: Uuid,
    /// The task that it waits for.
    pub dependency_id: Uuid,
}

/// What a task gets from one that it waits for. Its `Debug` does not show the output.
#[derive(Clone, Deserialize, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_executions)]
pub struct DependencyOutput {
    /// The task that is waited for.
    #[diesel(column_name = id)]
    pub task_execution_id: Uuid,
    /// Its name.
    pub task_name: String,
    /// Where it is. One that runs after any end of its dependencies may find other statuses than `Completed`.
    pub status: TaskStatus,
    /// What it completed with; `None` if with nothing, or not.
    pub output: Option<Value>,
}

debug_only!(DependencyOutput {
    task_execution_id,
    task_name,
    status,
});
