use taskbox_models::{EventType, PipelineStatus, Transition};
use uuid::Uuid;

use super::{PipelineExecutionDAL, log};
use crate::{
    Door, Error, Result, Tx,
    queries::{
        pipeline_execution, task_execution,
        transition::{Argument, Change, Source, apply},
    },
};

impl<D: Door> PipelineExecutionDAL<D> {
    /// Ends a pipeline by hand: cancels every task of it that has not ended, those that run included, whose workers
    /// learn it by their next heartbeat.
    ///
    /// It is `Cancelled` then, or `Failed` if a task of it had failed before; without tasks it is `Cancelled`. A
    /// pipeline that is `Cancelled` takes no more tasks; to go on, [redrive](crate::TaskExecutionDAL::redrive) one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such pipeline; [`Error::PipelineConflict`] if it has ended.
    pub async fn cancel(self, pipeline: Uuid) -> Result<()> {
        self.door
            .write("pipeline_execution.cancel", async |tx: &mut Tx<'_>| {
                require_live(tx, pipeline).await?;
                tx.context.faults.reach("cancel pipeline: look")?;
                let open = task_execution::open_of(&mut tx.connection, pipeline).await?;
                if open.is_empty() {
                    return cancel_empty(tx, pipeline).await;
                }
                let source = Source::Named {
                    tasks: &open,
                    argument: Argument::None,
                };
                let rule = Transition::Cancel.rule();
                apply(tx, Change { rule, source }).await.map(drop)
            })
            .await
    }
}

/// Locks the pipeline as its graph's mutex, so that no task is made in it, ends or comes back before this is done.
async fn require_live(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<()> {
    let locked = pipeline_execution::lock(&mut tx.connection, &[pipeline]).await?;
    match locked.first() {
        None => Err(Error::NotFound {
            what: "pipeline",
            id: pipeline,
        }),
        Some((_, found)) if found.is_terminal() => Err(Error::PipelineConflict {
            pipeline,
            expected: &[
                PipelineStatus::Pending,
                PipelineStatus::Running,
                PipelineStatus::Paused,
            ],
            found: *found,
        }),
        Some(_) => Ok(()),
    }
}

/// Ends a pipeline that has no task whose end would.
async fn cancel_empty(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<()> {
    tx.context.faults.reach("cancel pipeline: move")?;
    pipeline_execution::cancel(&mut tx.connection, pipeline).await?;
    tx.context.faults.reach("cancel pipeline: event")?;
    log(tx, pipeline, EventType::PipelineCancelled, None).await?;
    tx.context.faults.reach("cancel pipeline: done")?;
    Ok(())
}
