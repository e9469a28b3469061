use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `task_outbox`: a task that is ready for a worker.
///
/// The row is transient. It is inserted in the transaction that makes the task `Ready`, and deleted in
/// the transaction in which a worker claims it (or in which it is cancelled). A task that is Ready has
/// exactly one row here, any other task has none; so the table is as long as the work that waits, and
/// claiming never looks at the large `task_executions`. It is not a log: what happened to a task is in
/// `execution_events`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_outbox)]
pub struct TaskOutbox {
    /// Ascends in the order in which tasks became ready.
    pub id: i64,
    /// The task that is ready.
    pub task_execution_id: Uuid,
    /// When it became ready.
    pub created_at: DateTime<Utc>,
}

/// An outbox row that is yet to be made, for a task that is Ready and has none.
///
/// Transitions make these rows by themselves. This is for repairs: a task that other SQL, an import
/// or a restored backup left Ready without its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewTaskOutbox {
    /// The task that is ready.
    pub task_execution_id: Uuid,
}
