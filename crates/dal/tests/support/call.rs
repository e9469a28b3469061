//! A call, as a value: so that any two can meet, in either order.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{Claim, NewTaskExecution, NewTaskOutbox, Worker};
use taskbox_test_support::canary::PAYLOAD;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Cancel(Uuid),
    CancelPipeline(Uuid),
    /// As many as there are.
    Claim(Worker),
    Complete(Claim),
    /// A task in a pipeline.
    Create(Uuid),
    /// A task in a pipeline, after another.
    CreateAfter(Uuid, Uuid),
    CreateRow(Uuid),
    /// For an hour.
    Defer(Claim),
    DeleteRow(Uuid),
    Deregister(Worker),
    /// Lets every lease end.
    Expire,
    Fail(Claim),
    Heartbeat(Worker),
    /// Locks the task's row, as other software might.
    Lock(Uuid),
    MarkReady(Uuid),
    MarkReadyMany(Vec<Uuid>),
    PausePipeline(Uuid),
    Recover,
    Redrive(Uuid),
    Release(Claim),
    ResumePipeline(Uuid),
    /// In an hour.
    Retry(Claim),
    Schedule(Uuid),
    Skip(Uuid),
}

/// The same call on a `DAL` and on a `Tx`; `raw` is for what is no operation.
macro_rules! make {
    ($call:expr, $door:expr, $raw:expr) => {{
        let door = $door;
        match $call {
            Call::Cancel(task) => door.task_execution().cancel(*task).await,
            Call::CancelPipeline(pipeline) => door.pipeline_execution().cancel(*pipeline).await,
            Call::Claim(worker) => door.task_execution().claim(worker, 9).await.map(drop),
            Call::Complete(claim) => door.task_execution().complete(claim, None).await,
            Call::Create(pipeline) => {
                let new = NewTaskExecution::new(*pipeline, "late").input(PAYLOAD);
                door.task_execution().create(new).await.map(drop)
            }
            Call::CreateAfter(pipeline, task) => {
                let new = NewTaskExecution::new(*pipeline, "late")
                    .input(PAYLOAD)
                    .after(&[*task]);
                door.task_execution().create(new).await.map(drop)
            }
            Call::CreateRow(task) => {
                let task_execution_id = *task;
                let new = NewTaskOutbox { task_execution_id };
                door.task_outbox().create(new).await.map(drop)
            }
            Call::Defer(claim) => door.task_execution().defer(claim, HOUR).await,
            Call::DeleteRow(task) => door.task_outbox().delete_by_task(*task).await.map(drop),
            Call::Deregister(worker) => door.worker().deregister(worker.clone()).await,
            Call::Expire => $raw(door, EXPIRE.to_owned()).await,
            Call::Fail(claim) => door.task_execution().fail(claim, PAYLOAD).await,
            Call::Heartbeat(worker) => door.worker().heartbeat(worker).await.map(drop),
            Call::Lock(task) => $raw(door, lock(*task)).await,
            Call::MarkReady(task) => door.task_execution().mark_ready(*task).await,
            Call::MarkReadyMany(tasks) => {
                let moved = door.task_execution().mark_ready_many(tasks).await;
                moved.map(drop)
            }
            Call::PausePipeline(pipeline) => {
                let pipelines = door.pipeline_execution();
                pipelines.pause(*pipeline, PAYLOAD).await
            }
            Call::Recover => door.task_execution().recover_expired(9).await.map(drop),
            Call::Redrive(task) => door.task_execution().redrive(*task).await,
            Call::Release(claim) => door.task_execution().release(claim).await,
            Call::ResumePipeline(pipeline) => door.pipeline_execution().resume(*pipeline).await,
            Call::Retry(claim) => {
                let tasks = door.task_execution();
                tasks.schedule_retry(claim, PAYLOAD, HOUR).await
            }
            Call::Schedule(task) => door.task_execution().schedule(*task, HOUR).await,
            Call::Skip(task) => door.task_execution().skip(*task, PAYLOAD).await,
        }
    }};
}

const HOUR: Duration = Duration::from_hours(1);

const EXPIRE: &str = "UPDATE task_workers SET lease_expires_at = registered_at";

impl Call {
    /// In a transaction, which is not tried again.
    pub(crate) async fn within(&self, tx: &mut Tx<'_>) -> Result<()> {
        make!(self, tx, raw)
    }

    /// As an operation of the `DAL`, which tries again by itself.
    pub(crate) async fn on(&self, dal: &DAL) -> Result<()> {
        make!(self, dal, async |dal: &DAL, sql| {
            dal.transaction(async move |tx: &mut Tx<'_>| raw(tx, sql).await)
                .await
        })
    }
}

/// On SQLite, where the transaction holds every row anyway, the words of the lock mean nothing.
fn lock(task: Uuid) -> String {
    format!("SELECT FROM task_executions WHERE id = '{task}' FOR UPDATE")
}

async fn raw(tx: &mut Tx<'_>, sql: String) -> Result<()> {
    if let Ok(connection) = tx.postgres() {
        connection.batch_execute(&sql).await?;
    } else if !sql.ends_with("FOR UPDATE") {
        tx.sqlite()?.batch_execute(&sql).await?;
    }
    Ok(())
}
