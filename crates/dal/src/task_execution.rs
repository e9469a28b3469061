mod attempt;
mod claim;
mod create;
mod graph;
mod recovery;
mod transitions;

use std::time::Duration;

use taskbox_models::{TaskExecution, TaskStatus};
use uuid::Uuid;

use crate::{
    Door, Error, Result,
    connection::Connection,
    queries::{task_execution, task_schedule},
    validate,
};

pub use recovery::Recovered;

/// The tasks, and every transition they make: `dal.task_execution()` or `tx.task_execution()`.
///
/// Every transition changes the task's status, its row in the outbox or the schedule, its pipeline and its
/// history together. A task that is not in a status from which the transition starts is left as it is.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct TaskExecutionDAL<D> {
    door: D,
}

impl<D: Door> TaskExecutionDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// The task.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task.
    pub async fn get(self, task: Uuid) -> Result<TaskExecution> {
        let found = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::get(connection, task).await
            })
            .await?;
        found.ok_or(Error::NotFound {
            what: "task",
            id: task,
        })
    }

    /// How long it is until the next scheduled task is due, by the database's clock: zero if one is; `None` if none is
    /// scheduled. A claim then makes it ready.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn next_due(self) -> Result<Option<Duration>> {
        self.door
            .read(async |connection: &mut Connection<'_>| task_schedule::next_due(connection).await)
            .await
    }

    /// A pipeline's tasks, in the order of their ids; empty also if there is no such pipeline.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn list_by_pipeline(self, pipeline: Uuid) -> Result<Vec<TaskExecution>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::list_by_pipeline(connection, pipeline).await
            })
            .await
    }

    /// The newest tasks of a status, newest first, `limit` at the most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative.
    pub async fn list_by_status(
        self,
        status: TaskStatus,
        limit: i64,
    ) -> Result<Vec<TaskExecution>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::list_by_status(connection, status, limit).await
            })
            .await
    }
}
