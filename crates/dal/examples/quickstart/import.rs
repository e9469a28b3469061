//! What the program does with its tasks: make them, make them ready, and fail half-way.

use std::path::Path;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use serde_json::json;
use taskbox_dal::{DAL, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, PipelineExecution, TaskExecution};
use uuid::Uuid;

use crate::{Result, database::imports, files::File};

/// Makes a pipeline with a task for each file, in the order of the files.
pub(crate) async fn make_tasks(
    dal: &DAL,
    folder: &Path,
    files: &[File],
) -> Result<(PipelineExecution, Vec<TaskExecution>)> {
    let name = format!("import {}", folder.display());
    let pipeline = NewPipelineExecution::new(name);
    let pipeline = dal.pipeline_execution().create(pipeline).await?;
    let new = files.iter().map(|file| {
        let path = folder.join(&file.name);
        NewTaskExecution::new(pipeline.id, "import-file")
            .input(json!({"path": path.to_string_lossy(), "bytes": file.bytes}))
    });
    let tasks = dal.task_execution().create_many(new.collect()).await?;
    Ok((pipeline, tasks))
}

/// Records the import and makes its tasks ready: both, or neither.
pub(crate) async fn release(dal: &DAL, folder: &Path, tasks: &[TaskExecution]) -> Result<()> {
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
    dal.transaction(async |tx| {
        record(tx, folder, ids.len()).await?;
        let outcome = tx.task_execution().mark_ready_many(&ids).await?;
        match outcome.refused.into_iter().next() {
            None => Ok(()),
            Some(conflict) => Err(conflict.into()),
        }
    })
    .await
}

/// The program's own write.
async fn record(tx: &mut Tx<'_>, folder: &Path, files: usize) -> Result<()> {
    let row = (
        imports::folder.eq(folder.to_string_lossy()),
        imports::files.eq(i64::try_from(files)?),
    );
    diesel::insert_into(imports::table)
        .values(row)
        .execute(tx.sqlite()?)
        .await?;
    Ok(())
}

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
pub(crate) async fn fail_half_way(dal: &DAL, folder: &Path, pipeline: Uuid) -> Result<Failure> {
    let before = dal
        .transaction(async |tx| count(tx, pipeline).await)
        .await?;
    let mut inside = before;
    let failed: Result<()> = dal
        .transaction(async |tx| {
            record(tx, folder, 1).await?;
            let task = NewTaskExecution::new(pipeline, "import-file");
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
