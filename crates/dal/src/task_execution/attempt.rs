//! How a worker ends an attempt.

use std::time::Duration;

use serde_json::Value;
use taskbox_models::{Claim, Transition};

use super::TaskExecutionDAL;
use crate::{
    Door, Error, Result, Tx,
    queries::transition::{Change, Held, Source, apply_last, microseconds},
    validate,
};

impl<D: Door> TaskExecutionDAL<D> {
    /// Ends a task as it should, with what it returned.
    ///
    /// ```
    /// use serde_json::json;
    /// use taskbox_dal::{DAL, Error, Result};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn count(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("count")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 1).await?;
    ///
    ///     dal.task_execution().complete(&claims[0], Some(json!({"rows": 3}))).await?;
    ///
    ///     let task = dal.task_execution().get(task.id).await?;
    ///     assert_eq!((task.status, task.output), (TaskStatus::Completed, Some(json!({"rows": 3}))));
    ///     let again = dal.task_execution().complete(&claims[0], None).await;
    ///     assert!(matches!(again, Err(Error::LeaseLost { .. })));
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { count(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the claim is no longer the task's, or its worker's lease has expired;
    /// [`Error::InvalidInput`] for an output that cannot be kept.
    pub async fn complete(self, claim: &Claim, output: Option<Value>) -> Result<()> {
        if let Err(error) = check_output(output.as_ref()) {
            output.into_iter().for_each(validate::discard);
            return Err(error);
        }
        let held = Held {
            output: output.as_ref(),
            ..Held::new(claim)
        };
        self.end(Transition::Complete, held).await
    }

    /// Ends a task that failed for good. The error's text goes into its history.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{EventType, NewTaskExecution};
    ///
    /// async fn refuse(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("parse")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 1).await?;
    ///
    ///     dal.task_execution().fail(&claims[0], "not a PDF").await?;
    ///
    ///     let events = dal.execution_event().list_by_type(EventType::TaskFailed, 1).await?;
    ///     assert_eq!(events[0].event_data.as_ref().unwrap()["error"], "not a PDF");
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { refuse(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] as [`complete`](Self::complete); [`Error::InvalidInput`] for a text with a NUL character.
    pub async fn fail(self, claim: &Claim, error: impl Into<String>) -> Result<()> {
        let error = error.into();
        validate::text("error", &error)?;
        let held = Held {
            error: &error,
            ..Held::new(claim)
        };
        self.end(Transition::Fail, held).await
    }

    /// Ends an attempt that failed: the task is ready again after the delay, at once if that is zero; or has failed for
    /// good if this was the last of its attempts. The error's text goes into its history either way.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn fetch(dal: &DAL) -> Result<()> {
    ///     let task = NewTaskExecution::standalone("fetch").max_attempts(2);
    ///     let task = dal.task_execution().create(task).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///
    ///     for status in [TaskStatus::Ready, TaskStatus::Failed] {
    ///         for claim in dal.task_execution().claim(&worker, 1).await? {
    ///             let delay = Duration::ZERO; // or one that grows with `claim.attempt()`
    ///             dal.task_execution().schedule_retry(&claim, "no answer", delay).await?;
    ///         }
    ///         assert_eq!(dal.task_execution().get(task.id).await?.status, status);
    ///     }
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { fetch(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] as [`complete`](Self::complete); [`Error::InvalidInput`] for a text with a NUL character,
    /// and for a delay longer than a century.
    pub async fn schedule_retry(
        self,
        claim: &Claim,
        error: impl Into<String>,
        delay: Duration,
    ) -> Result<()> {
        let error = error.into();
        validate::text("error", &error)?;
        let held = Held {
            error: &error,
            delay: microseconds("delay", delay)?,
            ..Held::new(claim)
        };
        self.end(Transition::ScheduleRetry, held).await
    }

    /// Puts a task off: it is ready again after the delay, and the attempt does not count.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn put_off(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("report")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 1).await?;
    ///
    ///     dal.task_execution().defer(&claims[0], Duration::from_secs(60)).await?;
    ///
    ///     let task = dal.task_execution().get(task.id).await?;
    ///     assert_eq!((task.status, task.attempt), (TaskStatus::Scheduled, 0));
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { put_off(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] as [`complete`](Self::complete); [`Error::InvalidInput`] for a delay longer than a century.
    pub async fn defer(self, claim: &Claim, delay: Duration) -> Result<()> {
        let held = Held {
            delay: microseconds("delay", delay)?,
            ..Held::new(claim)
        };
        self.end(Transition::Defer, held).await
    }

    /// Gives a task back: it is ready again at once, behind those that are, and the attempt does not count.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// async fn stop(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 1).await?;
    ///
    ///     dal.task_execution().release(&claims[0]).await?;
    ///
    ///     let task = dal.task_execution().get(task.id).await?;
    ///     assert_eq!((task.status, task.attempt, task.epoch), (TaskStatus::Ready, 0, 1));
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { stop(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] as [`complete`](Self::complete).
    pub async fn release(self, claim: &Claim) -> Result<()> {
        self.end(Transition::Release, Held::new(claim)).await
    }

    async fn end(self, transition: Transition, held: Held<'_>) -> Result<()> {
        let rule = transition.rule();
        let held = &[held];
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let source = Source::Held(held);
                let outcomes = apply_last(tx, Change { rule, source }).await?;
                match outcomes.iter().find(|outcome| outcome.to.is_none()) {
                    None => Ok(()),
                    Some(refused) => Err(Error::LeaseLost {
                        what: "task",
                        id: refused.task,
                    }),
                }
            })
            .await
    }
}

pub(super) fn check_output(output: Option<&Value>) -> Result<()> {
    output.map_or(Ok(()), |output| validate::json("output", output))
}
