//! A call, as a value: so that any two can meet, in either order.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{NewTaskExecution, NewTaskOutbox};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Cancel(Uuid),
    /// A task in a pipeline.
    Create(Uuid),
    CreateRow(Uuid),
    DeleteRow(Uuid),
    /// Locks the task's row, as other software might.
    Lock(Uuid),
    MarkReady(Uuid),
    MarkReadyMany(Vec<Uuid>),
    Schedule(Uuid),
    Skip(Uuid),
}

/// The same call on a `DAL` and on a `Tx`.
macro_rules! make {
    ($call:expr, $door:expr, $lock:expr) => {{
        let door = $door;
        match $call {
            Call::Cancel(task) => door.task_execution().cancel(*task).await,
            Call::Create(pipeline) => {
                let new = NewTaskExecution::new(*pipeline, "late");
                door.task_execution().create(new).await.map(drop)
            }
            Call::CreateRow(task) => {
                let task_execution_id = *task;
                let new = NewTaskOutbox { task_execution_id };
                door.task_outbox().create(new).await.map(drop)
            }
            Call::DeleteRow(task) => door.task_outbox().delete_by_task(*task).await.map(drop),
            Call::Lock(task) => $lock(door, *task).await,
            Call::MarkReady(task) => door.task_execution().mark_ready(*task).await,
            Call::MarkReadyMany(tasks) => {
                let moved = door.task_execution().mark_ready_many(tasks).await;
                moved.map(drop)
            }
            Call::Schedule(task) => door.task_execution().schedule(*task, HOUR).await,
            Call::Skip(task) => door.task_execution().skip(*task, "not needed").await,
        }
    }};
}

const HOUR: Duration = Duration::from_hours(1);

impl Call {
    /// In a transaction, which is not tried again.
    pub(crate) async fn within(&self, tx: &mut Tx<'_>) -> Result<()> {
        make!(self, tx, lock)
    }

    /// As an operation of the `DAL`, which tries again by itself.
    pub(crate) async fn on(&self, dal: &DAL) -> Result<()> {
        make!(self, dal, async |dal: &DAL, task| {
            dal.transaction(async move |tx: &mut Tx<'_>| lock(tx, task).await)
                .await
        })
    }
}

/// On SQLite the transaction holds every row anyway.
async fn lock(tx: &mut Tx<'_>, task: Uuid) -> Result<()> {
    if let Ok(connection) = tx.postgres() {
        let sql = format!("SELECT FROM task_executions WHERE id = '{task}' FOR UPDATE");
        connection.batch_execute(&sql).await?;
    }
    Ok(())
}
