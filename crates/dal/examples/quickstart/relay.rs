//! Two workers, one of which dies with a task in hand, and comes back too late.

use std::{io::Write, time::Duration};

use diesel::QueryDsl;
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error};
use taskbox_models::{Claim, TaskExecution, TaskStatus};

use crate::{
    Result,
    database::{Database, imports},
    files::File,
    history,
    worker::Worker,
};

/// For how long the worker that dies keeps its task.
const SHORT_LEASE: Duration = Duration::from_secs(2);
/// The lease of the other one: the default.
const LEASE: Duration = Duration::from_secs(30);

pub(crate) async fn show(
    out: &mut impl Write,
    database: &Database,
    files: &[File],
    tasks: &[TaskExecution],
) -> Result<()> {
    writeln!(
        out,
        "Two workers claim the tasks, hash the files, and complete each task with its hash. ada dies with a task in hand;
bob gets it once her lease of {} s is over.\n",
        SHORT_LEASE.as_secs()
    )?;
    let pipeline = tasks[0]
        .pipeline_execution_id
        .ok_or("a task of no pipeline")?;
    let mut ada = Worker::start(&database.url, "ada", SHORT_LEASE).await?;
    let mut bob = Worker::start(&database.url, "bob", LEASE).await?;
    let first = ada.claim().await?;
    let (in_hand, worked) = tokio::join!(ada.die(first), bob.work(pipeline));
    let in_hand = in_hand?;
    worked?;

    let (dal, workers) = (&database.dal, [&ada.row, &bob.row]);
    let tasks = dal.task_execution().list_by_pipeline(pipeline).await?;
    let events = dal.execution_event().list_by_pipeline(pipeline).await?;
    history::ends(out, &tasks, files, &events, &workers)?;
    history::failures(out, &tasks, files, &events)?;
    let is_completed = |task: &&TaskExecution| task.status == TaskStatus::Completed;
    let completed = tasks.iter().filter(is_completed).count();
    show_refusal(out, dal, &ada, &in_hand, completed).await?;

    let index = tasks
        .iter()
        .position(|task| task.id == in_hand.task_execution_id());
    let file = &files[index.ok_or("a task of no file")?];
    writeln!(out, "The history of {}.\n", file.name)?;
    let events = dal
        .execution_event()
        .list_by_task(in_hand.task_execution_id())
        .await?;
    history::of_task(out, &events, &workers)
}

/// The dead worker comes back, and completes what it had in hand after all.
async fn show_refusal(
    out: &mut impl Write,
    dal: &DAL,
    ada: &Worker,
    in_hand: &Claim,
    completed: usize,
) -> Result<()> {
    let Err(refusal @ Error::LeaseLost { .. }) = ada.complete(in_hand, "too late").await else {
        return Err("a worker has completed a task that was taken from it".into());
    };
    let (files, hashed) = counted(dal).await?;
    if usize::try_from(hashed)? != completed {
        return Err(format!("{completed} tasks are completed, and {hashed} counted").into());
    }
    writeln!(
        out,
        "ada wakes up, counts her file in imports and completes its task, in one transaction. It is refused:

  {refusal}

None of it is written: imports says {hashed} of {files} files hashed, each once.\n"
    )?;
    Ok(())
}

/// How many files there are, and how many are hashed, by our own table.
async fn counted(dal: &DAL) -> Result<(i64, i64)> {
    dal.transaction(async |tx| {
        let columns = imports::table.select((imports::files, imports::hashed));
        Ok(columns.first(tx.sqlite()?).await?)
    })
    .await
}
