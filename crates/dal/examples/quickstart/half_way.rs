//! A transaction that fails after both of its writes, and what is left of it.

use std::path::Path;

use diesel::QueryDsl;
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Tx};
use taskbox_models::NewTaskExecution;
use uuid::Uuid;

use crate::{Result, database::imports, import};

/// How many rows there are, by table.
pub(crate) type Counts = [(&'static str, usize); 4];

/// What was counted around a transaction that failed, and the failure.
pub(crate) struct Failure {
    pub(crate) before: Counts,
    pub(crate) inside: Counts,
    pub(crate) after: Counts,
    pub(crate) error: String,
}

/// Records one more import and makes one more task ready, fails, and counts what is left.
pub(crate) async fn fail(dal: &DAL, folder: &Path, pipeline: Uuid) -> Result<Failure> {
    let before = dal
        .transaction(async |tx| count(tx, pipeline).await)
        .await?;
    let mut inside = before;
    let failed: Result<()> = dal
        .transaction(async |tx| {
            import::record(tx, folder, 1).await?;
            let task = NewTaskExecution::new(pipeline, "hash-file");
            let task = tx.task_execution().create(task).await?;
            tx.task_execution().mark_ready(task.id).await?;
            inside = count(tx, pipeline).await?;
            Err("stopped on purpose".into())
        })
        .await;
    let after = dal
        .transaction(async |tx| count(tx, pipeline).await)
        .await?;
    let Err(error) = failed else {
        return Err("the transaction that was to fail has committed".into());
    };
    if inside == before || after != before {
        return Err(format!("half a transaction: {before:?}, {inside:?}, {after:?}").into());
    }
    Ok(Failure {
        before,
        inside,
        after,
        error: error.to_string(),
    })
}

/// Counts as the transaction sees it.
async fn count(tx: &mut Tx<'_>, pipeline: Uuid) -> Result<Counts> {
    let imports: i64 = imports::table.count().get_result(tx.sqlite()?).await?;
    let tasks = tx.task_execution().list_by_pipeline(pipeline).await?;
    let outbox = tx.task_outbox().count_pending().await?;
    let events = tx.execution_event().list_by_pipeline(pipeline).await?;
    Ok([
        ("imports", usize::try_from(imports)?),
        ("task_executions", tasks.len()),
        ("task_outbox", usize::try_from(outbox)?),
        ("execution_events", events.len()),
    ])
}
