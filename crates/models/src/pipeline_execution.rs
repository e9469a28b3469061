use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::PipelineStatus;

/// A row of `pipeline_executions`: a named group of tasks.
#[derive(Clone, Debug, Deserialize, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::pipeline_executions)]
pub struct PipelineExecution {
    /// Its id.
    pub id: Uuid,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// Where it stands.
    pub status: PipelineStatus,
    /// How many of its tasks have not ended.
    pub open_tasks: i32,
    /// How many of its tasks are Failed.
    pub failed_tasks: i32,
    /// How many of its tasks are Cancelled.
    pub cancelled_tasks: i32,
    /// Why it is paused; `None` when it is not.
    pub pause_reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A pipeline that is yet to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPipelineExecution {
    /// Its id, where the caller chose one.
    pub id: Option<Uuid>,
    /// What it is for: 1 to 255 bytes without a NUL character.
    pub name: String,
}

impl NewPipelineExecution {
    /// A pipeline of this name. Names need not be unique.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
        }
    }

    /// Chooses its id, so that making it can be repeated safely: the second time is a conflict.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }
}
