use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_models::{Conflict, LiveTable, NewTaskOutbox, TaskOutbox, TaskStatus};
use uuid::Uuid;

use crate::{
    Door, Error, Result, Tx,
    connection::Connection,
    queries::{Bind, duration, live, task_outbox},
    validate,
};

/// The ready tasks: `dal.task_outbox()` or `tx.task_outbox()`.
///
/// Transitions keep the outbox by themselves. What changes it here is for repairs, after other SQL, an
/// import or a restored backup, and cannot strand a task: rows are made only for Ready tasks, and only those
/// of tasks that are not Ready are deleted.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct TaskOutboxDAL<D> {
    door: D,
}

/// How much waits in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueDepth {
    /// The name of the queue.
    pub queue: String,
    /// How many tasks a worker could claim.
    pub ready: i64,
    /// How many tasks are Ready and held, since their pipeline is paused.
    pub held: i64,
    /// For how long the one has been Ready that became so first, of those that could be claimed; `None` if there are
    /// none. By the database's clock.
    pub oldest: Option<Duration>,
}

impl<D: Door> TaskOutboxDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// Publishes a task that is Ready and has no row, and answers with its row.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task; [`Error::Conflict`] if it is not Ready (which expects
    /// `Ready`), or has a row already (which expects nothing).
    pub async fn create(self, row: NewTaskOutbox) -> Result<TaskOutbox> {
        let task = row.task_execution_id;
        self.door
            .write("task_outbox.create", async |tx: &mut Tx<'_>| {
                tx.context.faults.reach("outbox create: lock")?;
                let found = task_outbox::lock(&mut tx.connection, task).await?;
                let conflict = |expected| Conflict {
                    task,
                    expected,
                    found,
                };
                match found {
                    None => Err(Error::NotFound {
                        what: "task",
                        id: task,
                    }),
                    Some(TaskStatus::Ready) => {
                        tx.context.faults.reach("outbox create: publish")?;
                        let row = task_outbox::publish(&mut tx.connection, task).await?;
                        tx.is_ready_in(Duration::ZERO);
                        tx.context.faults.reach("outbox create: done")?;
                        row.ok_or_else(|| conflict(Vec::new()).into())
                    }
                    Some(_) => Err(conflict(vec![TaskStatus::Ready]).into()),
                }
            })
            .await
    }

    /// Deletes the row of this id if its task is not Ready. Answers whether it did.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn delete(self, row: i64) -> Result<bool> {
        let deleted = self.delete_stale("o.id =", Bind::Integer(row)).await?;
        Ok(deleted > 0)
    }

    /// Deletes the row of this task if the task is not Ready. Answers whether it did.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn delete_by_task(self, task: Uuid) -> Result<bool> {
        let deleted = self
            .delete_stale("o.task_execution_id =", Bind::Id(task))
            .await?;
        Ok(deleted > 0)
    }

    /// The rows in the order in which workers take them, `limit` at the most: priority, higher first, then
    /// the order in which the tasks became ready. Those held by a paused pipeline come last.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative.
    pub async fn list_pending(self, limit: i64) -> Result<Vec<TaskOutbox>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_outbox::list_pending(connection, limit).await
            })
            .await
    }

    /// How many tasks are Ready, those held by a paused pipeline included.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn count_pending(self) -> Result<i64> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_outbox::count_pending(connection).await
            })
            .await
    }

    /// How much waits in each queue, in the order of their names; a queue in which nothing does is not named, so that
    /// the answer is empty if no task is Ready. Reads the whole outbox, as [`count_pending`](Self::count_pending) does.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn look(dal: &DAL) -> Result<()> {
    ///     let mail = NewTaskExecution::standalone("welcome").queue("mail");
    ///     let task = dal.task_execution().create(mail).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let depths = dal.task_outbox().depths().await?;
    ///     assert_eq!((&*depths[0].queue, depths[0].ready, depths[0].held), ("mail", 1, 0));
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { look(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn depths(self) -> Result<Vec<QueueDepth>> {
        let depths = self
            .door
            .read(async |connection: &mut Connection<'_>| task_outbox::depths(connection).await)
            .await?;
        let depths = depths.into_iter();
        Ok(depths
            .map(|(queue, ready, held, oldest)| QueueDepth {
                queue,
                ready,
                held,
                oldest: oldest.map(duration),
            })
            .collect())
    }

    /// Deletes the rows that were made before the cut-off and whose tasks are not Ready. Answers how many.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn delete_older_than(self, cutoff: DateTime<Utc>) -> Result<usize> {
        self.delete_stale("o.created_at <", Bind::Moment(validate::cutoff(cutoff)))
            .await
    }

    async fn delete_stale(self, condition: &'static str, value: Bind<'_>) -> Result<usize> {
        let value = &value;
        self.door
            .write("task_outbox.delete", async |tx: &mut Tx<'_>| {
                tx.context.faults.reach("outbox delete: rows")?;
                let (connection, value) = (&mut tx.connection, value.clone());
                let deleted =
                    live::delete_stale(connection, LiveTable::Outbox, condition, value).await?;
                tx.context.faults.reach("outbox delete: done")?;
                Ok(deleted)
            })
            .await
    }
}
