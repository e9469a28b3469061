mod attempt;
mod attempts;
mod claim;
mod create;
mod graph;
mod list;
mod recovery;
mod transitions;

use std::time::Duration;

use taskbox_models::{DependencyOutput, TaskExecution, TaskStatus};
use uuid::Uuid;

use crate::{
    Door, Error, Result,
    connection::Connection,
    queries::{task_dependency, task_execution, task_schedule},
    validate,
};

pub use list::{Dependency, LiveTasks, TaskFilter};
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

    /// What the dependencies of a task completed with, in the order of their ids; empty if it has none.
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::Claim;
    ///
    /// /// The work of a task that waits for others: to add up what they found.
    /// async fn sum(dal: &DAL, claim: &Claim) -> Result<()> {
    ///     let id = claim.task_execution_id();
    ///     let counted = dal.task_execution().dependency_outputs(id).await?;
    ///     let rows = counted.iter().filter_map(|it| it.output.as_ref()?["rows"].as_i64());
    ///     let sum = rows.sum::<i64>();
    ///     dal.task_execution().complete(claim, Some(json!({ "rows": sum }))).await
    /// }
    /// # use taskbox_models::{NewPipelineExecution, NewTaskExecution};
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let pipeline = dal.pipeline_execution().create(NewPipelineExecution::new("p")).await.unwrap().id;
    /// #     let tasks = dal.task_execution();
    /// #     let a = tasks.create(NewTaskExecution::new(pipeline, "count")).await.unwrap().id;
    /// #     let b = tasks.create(NewTaskExecution::new(pipeline, "count")).await.unwrap().id;
    /// #     let new = NewTaskExecution::new(pipeline, "sum").after(&[a, b]);
    /// #     let last = tasks.create(new).await.unwrap().id;
    /// #     tasks.mark_ready_many(&[a, b]).await.unwrap();
    /// #     let worker = dal.worker().register("w").await.unwrap();
    /// #     for claim in tasks.claim(&worker, 2).await.unwrap() {
    /// #         tasks.complete(&claim, Some(json!({ "rows": 2 }))).await.unwrap();
    /// #     }
    /// #     sum(&dal, &tasks.claim(&worker, 1).await.unwrap()[0]).await.unwrap();
    /// #     assert_eq!(tasks.get(last).await.unwrap().output, Some(json!({ "rows": 4 })));
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task.
    pub async fn dependency_outputs(self, task: Uuid) -> Result<Vec<DependencyOutput>> {
        let (exists, outputs) = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                let outputs = task_dependency::outputs(connection, task).await?;
                let exists =
                    !outputs.is_empty() || task_execution::get(connection, task).await?.is_some();
                Ok((exists, outputs))
            })
            .await?;
        if exists {
            return Ok(outputs);
        }
        Err(Error::NotFound {
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
