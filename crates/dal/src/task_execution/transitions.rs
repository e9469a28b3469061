use std::time::Duration;

use taskbox_models::Transition;
use uuid::Uuid;

use super::TaskExecutionDAL;
use crate::{
    Door, Moved, Result, Tx,
    queries::transition::{
        Argument, Change, Source, apply_last, apply_to_one, distinct, microseconds, sort,
    },
    validate,
};

impl<D: Door> TaskExecutionDAL<D> {
    /// Makes a task wait for a worker: `Ready`, with its row in the outbox.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such task;
    /// [`Error::Conflict`](crate::Error::Conflict) if it is neither `NotStarted` nor `Scheduled`.
    pub async fn mark_ready(self, task: Uuid) -> Result<()> {
        self.apply_to_one(Transition::MarkReady, task, Argument::None)
            .await
    }

    /// Makes tasks wait for workers, in the order given, which is the order of the outbox.
    ///
    /// Those that cannot be made ready are refused, and the others move. An id given twice counts once.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database; refusals are in the answer.
    pub async fn mark_ready_many(self, tasks: &[Uuid]) -> Result<Moved> {
        let rule = Transition::MarkReady.rule();
        let tasks = &distinct(tasks.iter().copied(), |task| task);
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let argument = Argument::None;
                let source = Source::Named { tasks, argument };
                Ok(sort(rule, apply_last(tx, Change { rule, source }).await?))
            })
            .await
    }

    /// Makes a task wait for a time: `Scheduled`, with its row in the schedule, due once the delay is over by
    /// the clock of the database.
    ///
    /// Whoever [claims](Self::claim) first after that makes it ready; [`mark_ready`](Self::mark_ready) does before
    /// its time.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such task;
    /// [`Error::Conflict`](crate::Error::Conflict) if it is not `NotStarted`;
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the delay is longer than a century.
    pub async fn schedule(self, task: Uuid, delay: Duration) -> Result<()> {
        let delay = microseconds("delay", delay)?;
        self.apply_to_one(Transition::Schedule, task, Argument::DueIn(delay))
            .await
    }

    /// Ends a task that has not started, since it is not needed. The reason goes into its history.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such task;
    /// [`Error::Conflict`](crate::Error::Conflict) if it is not `NotStarted`;
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the reason contains a NUL character.
    pub async fn skip(self, task: Uuid, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        validate::text("reason", &reason)?;
        self.apply_to_one(Transition::Skip, task, Argument::Reason(&reason))
            .await
    }

    /// Ends a task by hand, whether it waits or runs. A worker that runs it has lost it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such task;
    /// [`Error::Conflict`](crate::Error::Conflict) if it has ended.
    pub async fn cancel(self, task: Uuid) -> Result<()> {
        self.apply_to_one(Transition::Cancel, task, Argument::None)
            .await
    }

    /// Makes a task that failed or was cancelled ready once more, with all of its attempts and recoveries before it.
    /// Its epoch goes on, so that no earlier claim counts again. Reopens its pipeline if that has ended.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn after_all(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///     dal.task_execution().cancel(task.id).await?;
    ///     dal.task_execution().redrive(task.id).await?;
    ///     assert_eq!(dal.task_execution().get(task.id).await?.status, TaskStatus::Ready);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { after_all(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such task;
    /// [`Error::Conflict`](crate::Error::Conflict) if it is neither `Failed` nor `Cancelled`.
    pub async fn redrive(self, task: Uuid) -> Result<()> {
        self.apply_to_one(Transition::Redrive, task, Argument::None)
            .await
    }

    async fn apply_to_one(
        self,
        transition: Transition,
        task: Uuid,
        argument: Argument<'_>,
    ) -> Result<()> {
        let rule = transition.rule();
        let tasks = &[task];
        let source = Source::Named { tasks, argument };
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                apply_to_one(tx, Change { rule, source }).await
            })
            .await
    }
}
