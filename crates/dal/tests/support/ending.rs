//! What ends an attempt, as a value: every way, from the holder of the claim.

use std::time::Duration;

use serde_json::{Value, json};
use taskbox_dal::{DAL, Moved, Result};
use taskbox_models::{Claim, TaskStatus, Transition};
use taskbox_test_support::canary::PAYLOAD;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    CompleteMany,
    Fail,
    RetryLater,
    RetryAtOnce,
    /// Of a task that has one attempt.
    RetryNoMore,
    Defer,
    Release,
}

pub(crate) const DELAY: Duration = Duration::from_secs(90);
pub(crate) const ERROR: &str = "it's \"c4n4ry-payload\": \u{1f525}\n\\";

pub(crate) fn output() -> Value {
    json!({"rows": 3, "name": format!("it's {PAYLOAD}")})
}

impl Ending {
    pub(crate) const ALL: [Self; 8] = [
        Self::Complete,
        Self::CompleteMany,
        Self::Fail,
        Self::RetryLater,
        Self::RetryAtOnce,
        Self::RetryNoMore,
        Self::Defer,
        Self::Release,
    ];

    pub(crate) async fn on(self, dal: &DAL, claim: &Claim) -> Result<()> {
        let tasks = dal.task_execution();
        match self {
            Self::Complete => tasks.complete(claim, Some(output())).await,
            Self::CompleteMany => {
                let batch = [(claim.clone(), Some(output()))];
                only(claim, tasks.complete_many(&batch).await?)
            }
            Self::Fail => tasks.fail(claim, ERROR).await,
            Self::RetryLater => tasks.schedule_retry(claim, ERROR, DELAY).await,
            Self::RetryAtOnce | Self::RetryNoMore => {
                tasks.schedule_retry(claim, ERROR, Duration::ZERO).await
            }
            Self::Defer => tasks.defer(claim, DELAY).await,
            Self::Release => tasks.release(claim).await,
        }
    }

    pub(crate) fn transition(self) -> Transition {
        match self {
            Self::Complete | Self::CompleteMany => Transition::Complete,
            Self::Fail => Transition::Fail,
            Self::RetryLater | Self::RetryAtOnce | Self::RetryNoMore => Transition::ScheduleRetry,
            Self::Defer => Transition::Defer,
            Self::Release => Transition::Release,
        }
    }

    pub(crate) fn to(self) -> TaskStatus {
        match self {
            Self::Complete | Self::CompleteMany => TaskStatus::Completed,
            Self::Fail | Self::RetryNoMore => TaskStatus::Failed,
            Self::RetryLater | Self::Defer => TaskStatus::Scheduled,
            Self::RetryAtOnce | Self::Release => TaskStatus::Ready,
        }
    }

    /// How many attempts a task needs to have for this.
    pub(crate) fn max_attempts(self) -> i32 {
        match self {
            Self::RetryNoMore => 1,
            _ => 2,
        }
    }
}

/// What a batch of this one claim says, as the operation on one says it.
fn only(claim: &Claim, mut batch: Moved) -> Result<()> {
    match batch.refused.pop() {
        None => assert_eq!(batch.moved, [claim.task_execution_id()]),
        Some(conflict) => {
            assert_eq!(batch, Moved::default());
            return Err(conflict.into());
        }
    }
    Ok(())
}
