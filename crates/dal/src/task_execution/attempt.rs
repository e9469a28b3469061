//! How a worker ends an attempt.

use std::time::Duration;

use serde_json::Value;
use taskbox_models::{Claim, Transition};

use super::TaskExecutionDAL;
use crate::{
    Door, Error, Moved, Result, Tx,
    queries::transition::{Change, Held, Source, apply, distinct, microseconds, sort},
    validate,
};

impl<D: Door> TaskExecutionDAL<D> {
    /// Ends a task as it should, with what it returned.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the claim is no longer the task's, or its worker's lease has expired;
    /// [`Error::InvalidInput`] for an output that cannot be kept.
    pub async fn complete(self, claim: &Claim, output: Option<Value>) -> Result<()> {
        check_output(output.as_ref())?;
        let held = Held {
            output: output.as_ref(),
            ..Held::new(claim)
        };
        self.end(Transition::Complete, held).await
    }

    /// Ends tasks as [`complete`](Self::complete) does, in the order given. Those whose lease is lost are refused, and
    /// the others move. A claim given twice counts once, with the output that was given first.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for an output that cannot be kept, and then nothing moves.
    pub async fn complete_many(self, tasks: &[(Claim, Option<Value>)]) -> Result<Moved> {
        tasks
            .iter()
            .try_for_each(|(_, output)| check_output(output.as_ref()))?;
        let held = tasks.iter().map(|(claim, output)| Held {
            output: output.as_ref(),
            ..Held::new(claim)
        });
        let held = &distinct(held, |held| {
            let claim = held.claim;
            (claim.task_execution_id(), claim.epoch())
        });
        let rule = Transition::Complete.rule();
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let source = Source::Held(held);
                Ok(sort(rule, apply(tx, Change { rule, source }).await?))
            })
            .await
    }

    /// Ends a task that failed for good. The error's text goes into its history.
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
                let outcomes = apply(tx, Change { rule, source }).await?;
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

fn check_output(output: Option<&Value>) -> Result<()> {
    output.map_or(Ok(()), |output| validate::json("output", output))
}
