//! The import: a pipeline with a task for each file, made ready together with a row of our own.

use std::path::Path;

use diesel::ExpressionMethods;
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
        NewTaskExecution::new(pipeline.id, "hash-file")
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
pub(crate) async fn record(tx: &mut Tx<'_>, folder: &Path, files: usize) -> Result<()> {
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
