use std::time::Duration;

use taskbox_models::{EventType, PipelineStatus};
use uuid::Uuid;

use super::{PipelineExecutionDAL, log};
use crate::{
    Door, Error, Result, Tx,
    queries::pipeline_execution::{self, Locked},
    validate,
};

impl<D: Door> PipelineExecutionDAL<D> {
    /// Keeps workers from taking tasks of the pipeline until it is [resumed](Self::resume). The reason is kept with it
    /// and in its history.
    ///
    /// Nothing else changes: tasks that run go on, and may end the pipeline; others become ready, and wait.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such pipeline; [`Error::PipelineConflict`] if it is paused already or has
    /// ended; [`Error::InvalidInput`] if the reason contains a NUL character, and in a transaction at REPEATABLE READ
    /// or SERIALIZABLE, which cannot see all tasks that became ready.
    pub async fn pause(self, pipeline: Uuid, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        validate::text("reason", &reason)?;
        let reason = reason.as_str();
        self.door
            .write("pipeline_execution.pause", async |tx: &mut Tx<'_>| {
                let from = &[PipelineStatus::Pending, PipelineStatus::Running];
                lock_in(tx, pipeline, from).await?;
                tx.context.faults.reach("pause: move")?;
                pipeline_execution::pause(&mut tx.connection, pipeline, reason).await?;
                tx.context.faults.reach("pause: hold")?;
                pipeline_execution::hold(&mut tx.connection, pipeline).await?;
                tx.context.faults.reach("pause: event")?;
                log(tx, pipeline, EventType::PipelinePaused, Some(reason)).await?;
                tx.context.faults.reach("pause: done")?;
                Ok(())
            })
            .await
    }

    /// Lets workers take the tasks of a paused pipeline again, in the order in which they became ready.
    ///
    /// It is `Running` then, or `Pending` if none of its tasks has left `NotStarted`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such pipeline; [`Error::PipelineConflict`] if it is not paused;
    /// [`Error::InvalidInput`] in a transaction at REPEATABLE READ or SERIALIZABLE, which cannot see all tasks that
    /// became ready.
    pub async fn resume(self, pipeline: Uuid) -> Result<()> {
        self.door
            .write("pipeline_execution.resume", async |tx: &mut Tx<'_>| {
                lock_in(tx, pipeline, &[PipelineStatus::Paused]).await?;
                tx.context.faults.reach("resume: move")?;
                pipeline_execution::resume(&mut tx.connection, pipeline).await?;
                tx.context.faults.reach("resume: let go")?;
                pipeline_execution::let_go(&mut tx.connection, pipeline).await?;
                tx.is_ready_in(Duration::ZERO);
                tx.context.faults.reach("resume: event")?;
                log(tx, pipeline, EventType::PipelineResumed, None).await?;
                tx.context.faults.reach("resume: done")?;
                Ok(())
            })
            .await
    }
}

/// Locks the pipeline so that no task becomes ready in it before this is done, and requires that it is in one of these
/// statuses.
async fn lock_in(
    tx: &mut Tx<'_>,
    pipeline: Uuid,
    expected: &'static [PipelineStatus],
) -> Result<()> {
    tx.context.faults.reach("pause or resume: lock")?;
    match pipeline_execution::lock_out(&mut tx.connection, pipeline).await? {
        None => Err(Error::NotFound {
            what: "pipeline",
            id: pipeline,
        }),
        Some(Locked {
            sees_all: false, ..
        }) => Err(Error::invalid(
            "the transaction",
            "is at REPEATABLE READ or SERIALIZABLE; pause and resume at READ COMMITTED, the default",
        )),
        Some(Locked { status: found, .. }) if !expected.contains(&found) => {
            Err(Error::PipelineConflict {
                pipeline,
                expected,
                found,
            })
        }
        Some(_) => Ok(()),
    }
}
