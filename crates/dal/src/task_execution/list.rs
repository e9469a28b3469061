//! Lists of tasks for people who look at them.

use taskbox_models::{TaskExecution, TaskStatus};
use uuid::Uuid;

use super::TaskExecutionDAL;
use crate::{
    Door, Result,
    connection::Connection,
    queries::{live, task_execution::list},
    validate,
};

/// Which tasks [`TaskExecutionDAL::list`] answers with; all of them unless something is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a filter does nothing by itself"]
pub struct TaskFilter {
    pub(crate) status: Option<TaskStatus>,
    pub(crate) queue: Option<String>,
    pub(crate) task_name: Option<String>,
    pub(crate) pipeline: Option<Uuid>,
    pub(crate) before: Option<Uuid>,
}

/// How many tasks there are that wait for a time or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveTasks {
    /// How many are Scheduled.
    pub scheduled: i64,
    /// How many of those are due, and will be Ready with the next claim.
    pub due: i64,
    /// How many are Running.
    pub running: i64,
}

/// That a task waits for the end of another, or did before it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dependency {
    /// The task that waits.
    pub task_execution_id: Uuid,
    /// The task that it waits for.
    pub dependency_id: Uuid,
    /// The name of the one that it waits for.
    pub task_name: String,
    /// Where the one is that it waits for.
    pub status: TaskStatus,
}

impl TaskFilter {
    /// How many rows a list looks at where no index knows the whole of the filter.
    pub const LOOK: i64 = 10_000;

    /// Only the tasks of this status.
    pub fn status(mut self, status: TaskStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only the tasks of this queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Only the tasks of this name.
    pub fn task_name(mut self, task_name: impl Into<String>) -> Self {
        self.task_name = Some(task_name.into());
        self
    }

    /// Only the tasks of this pipeline.
    pub fn pipeline(mut self, pipeline: Uuid) -> Self {
        self.pipeline = Some(pipeline);
        self
    }

    /// Only the tasks with a lower id, which are older: with the last id of one page, the next page.
    pub fn before(mut self, task: Uuid) -> Self {
        self.before = Some(task);
        self
    }

    /// Whether every row that is looked at passes.
    pub(crate) fn is_exact(&self) -> bool {
        let by_live_table = self.pipeline.is_none()
            && self
                .status
                .is_some_and(|status| status.live_table().is_some());
        self.queue.is_none() && self.task_name.is_none() && (self.status.is_none() || by_live_table)
    }
}

impl<D: Door> TaskExecutionDAL<D> {
    /// The newest tasks that pass the filter, by their ids, newest first, `limit` at the most.
    ///
    /// However many tasks there are, it looks at [`TaskFilter::LOOK`] rows of an index and no further. So an answer
    /// shorter than the limit may leave out older tasks, except without a filter, by the pipeline alone, or by the
    /// statuses `Ready`, `Running` and `Scheduled` alone, where only a task that changes its status in that moment may be
    /// missing. It looks
    ///
    /// - at the tasks of the pipeline, if one is named;
    /// - else by `Ready`, `Running` and `Scheduled` at the tasks that are so;
    /// - else by `Failed`, `Skipped` and `Cancelled` at those that most recently became so;
    /// - else at the newest tasks.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result, TaskFilter};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn look(dal: &DAL) -> Result<()> {
    ///     let mail = NewTaskExecution::standalone("welcome").queue("mail");
    ///     let task = dal.task_execution().create(mail).await?;
    ///     dal.task_execution().cancel(task.id).await?;
    ///     let cancelled = TaskFilter::default().status(TaskStatus::Cancelled).queue("mail");
    ///     let page = dal.task_execution().list(&cancelled, 50).await?;
    ///     assert_eq!(page[0].id, task.id);
    ///     let next = dal.task_execution().list(&cancelled.before(task.id), 50).await?;
    ///     assert!(next.is_empty());
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { look(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative, and for a name with a NUL character.
    pub async fn list(self, filter: &TaskFilter, limit: i64) -> Result<Vec<TaskExecution>> {
        validate::limit(limit)?;
        validate::text("queue", filter.queue.as_deref().unwrap_or_default())?;
        validate::text("task_name", filter.task_name.as_deref().unwrap_or_default())?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                list::list(connection, filter, limit).await
            })
            .await
    }

    /// How many tasks wait for a time, and how many run; those that are ready are counted by
    /// [`TaskOutboxDAL::depths`](crate::TaskOutboxDAL::depths). Reads these tables from end to end, and no other.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn count_live(self) -> Result<LiveTasks> {
        let (scheduled, due, running) = self
            .door
            .read(async |connection: &mut Connection<'_>| live::count(connection).await)
            .await?;
        Ok(LiveTasks {
            scheduled,
            due,
            running,
        })
    }

    /// How many tasks a pipeline has in each status that one of them is in; empty also if there is no such pipeline.
    /// Reads all of its tasks.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn count_by_status(self, pipeline: Uuid) -> Result<Vec<(TaskStatus, i64)>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                list::count_by_status(connection, pipeline).await
            })
            .await
    }

    /// What these tasks wait for, or did before they ran: in the order of their ids and then of those that they wait
    /// for, `limit` at the most. A task that waits for nothing, or that there is not, is not named.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn dependencies(self, tasks: &[Uuid], limit: i64) -> Result<Vec<Dependency>> {
        validate::limit(limit)?;
        let found = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                list::dependencies(connection, tasks, limit).await
            })
            .await?;
        let found = found.into_iter();
        Ok(found
            .map(
                |(task_execution_id, dependency_id, task_name, status)| Dependency {
                    task_execution_id,
                    dependency_id,
                    task_name,
                    status,
                },
            )
            .collect())
    }
}
