use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `task_schedule`: a task that becomes ready at a time.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_schedule)]
pub struct TaskSchedule {
    /// The task that waits.
    pub task_execution_id: Uuid,
    /// When it becomes ready.
    pub due_at: DateTime<Utc>,
}
