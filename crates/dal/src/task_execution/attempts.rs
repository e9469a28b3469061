//! How a worker ends many attempts at once.

use std::time::Duration;

use serde_json::Value;
use taskbox_models::{Claim, Transition};

use super::{TaskExecutionDAL, attempt::check_output};
use crate::{
    Door, Moved, Result, Tx,
    queries::transition::{Change, Held, Source, apply_last, distinct, microseconds, sort},
    validate,
};

impl<D: Door> TaskExecutionDAL<D> {
    /// Ends tasks as [`complete`](Self::complete) does, in the order given. Those whose lease is lost are refused, and
    /// the others move. A claim given twice counts once, with the output that was given first.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn work(dal: &DAL) -> Result<()> {
    ///     let tasks = vec![NewTaskExecution::standalone("page"); 100];
    ///     let tasks = dal.task_execution().create_many(tasks).await?;
    ///     let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    ///     assert!(dal.task_execution().mark_ready_many(&ids).await?.refused.is_empty());
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 100).await?;
    ///
    ///     dal.task_execution().cancel(ids[7]).await?;
    ///     let done: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
    ///     let outcome = dal.task_execution().complete_many(&done).await?;
    ///     assert_eq!((outcome.moved.len(), outcome.refused[0].task), (99, ids[7]));
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { work(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for an output that cannot be kept, and then nothing moves.
    pub async fn complete_many(self, tasks: &[(Claim, Option<Value>)]) -> Result<Moved> {
        let mut held = Vec::with_capacity(tasks.len());
        for (claim, output) in tasks {
            check_output(output.as_ref())?;
            held.push(Held {
                output: output.as_ref(),
                ..Held::new(claim)
            });
        }
        self.end_many(Transition::Complete, held).await
    }

    /// Ends tasks as [`fail`](Self::fail) does, each with its error, and otherwise as
    /// [`complete_many`](Self::complete_many).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a text with a NUL character, and then nothing moves.
    pub async fn fail_many(self, tasks: &[(Claim, String)]) -> Result<Moved> {
        let mut held = Vec::with_capacity(tasks.len());
        for (claim, error) in tasks {
            validate::text("error", error)?;
            held.push(Held {
                error,
                ..Held::new(claim)
            });
        }
        self.end_many(Transition::Fail, held).await
    }

    /// Ends attempts as [`schedule_retry`](Self::schedule_retry) does, each with its error and its delay, and otherwise as
    /// [`complete_many`](Self::complete_many).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a text with a NUL character and for a delay longer than a
    /// century, and then nothing moves.
    pub async fn schedule_retry_many(self, tasks: &[(Claim, String, Duration)]) -> Result<Moved> {
        let mut held = Vec::with_capacity(tasks.len());
        for (claim, error, delay) in tasks {
            validate::text("error", error)?;
            held.push(Held {
                error,
                delay: microseconds("delay", *delay)?,
                ..Held::new(claim)
            });
        }
        self.end_many(Transition::ScheduleRetry, held).await
    }

    /// Puts tasks off as [`defer`](Self::defer) does, each for its delay, and otherwise as
    /// [`complete_many`](Self::complete_many).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a delay longer than a century, and then nothing moves.
    pub async fn defer_many(self, tasks: &[(Claim, Duration)]) -> Result<Moved> {
        let mut held = Vec::with_capacity(tasks.len());
        for (claim, delay) in tasks {
            held.push(Held {
                delay: microseconds("delay", *delay)?,
                ..Held::new(claim)
            });
        }
        self.end_many(Transition::Defer, held).await
    }

    /// Gives tasks back as [`release`](Self::release) does, and otherwise as [`complete_many`](Self::complete_many).
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn release_many(self, claims: &[Claim]) -> Result<Moved> {
        let held = claims.iter().map(Held::new).collect();
        self.end_many(Transition::Release, held).await
    }

    async fn end_many(self, transition: Transition, held: Vec<Held<'_>>) -> Result<Moved> {
        let rule = transition.rule();
        let held = &distinct(held, |held| {
            let claim = held.claim;
            (claim.task_execution_id(), claim.epoch())
        });
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let source = Source::Held(held);
                Ok(sort(rule, apply_last(tx, Change { rule, source }).await?))
            })
            .await
    }
}
