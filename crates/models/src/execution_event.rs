use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{EventType, debug::debug_only};

/// A row of `execution_events`: one transition of a task or of a pipeline. Never changed once written.
/// Its `Debug` does not show the data.
#[derive(Clone, Deserialize, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::execution_events)]
pub struct ExecutionEvent {
    /// Ascends within a task.
    pub id: i64,
    /// The pipeline; `None` for a task of its own.
    pub pipeline_execution_id: Option<Uuid>,
    /// The task; `None` for an event of the pipeline itself.
    pub task_execution_id: Option<Uuid>,
    /// What happened.
    pub event_type: EventType,
    /// What there is to say of it, an object whose keys depend on the type; `None` if nothing.
    pub event_data: Option<Value>,
    /// When it happened, by the clock of the database.
    pub created_at: DateTime<Utc>,
    /// The writing transaction's number on Postgres, 0 on SQLite.
    pub transaction_id: i64,
}

debug_only!(ExecutionEvent {
    id,
    pipeline_execution_id,
    task_execution_id,
    event_type,
    created_at,
    transaction_id,
});
