use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `task_claims`: a task that a worker runs.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_claims)]
pub struct TaskClaim {
    /// The task that runs.
    pub task_execution_id: Uuid,
    /// The worker that runs it.
    pub worker_id: Uuid,
    /// The epoch of this claim.
    pub epoch: i64,
    /// When it was claimed.
    pub claimed_at: DateTime<Utc>,
}
