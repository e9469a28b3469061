//! The tour: each part does something, and shows what the database says of it.

use std::{io::Write, path::Path};

use taskbox_dal::DAL;
use taskbox_models::TaskExecution;

use crate::{
    Result, database,
    files::{self, File},
    half_way, import, relay, report,
};

pub(crate) async fn run(folder: &Path, out: &mut impl Write) -> Result<()> {
    let files = files::of(folder)?;
    let database = database::create().await?;
    let dal = &database.dal;
    let (file, migrations) = (database.file.display(), database.migrations);
    writeln!(
        out,
        "database  {file}, made anew by {migrations} migrations"
    )?;
    let (pipeline, tasks) = import::make_tasks(dal, folder, &files).await?;
    writeln!(out, "pipeline  {}", pipeline.name)?;
    writeln!(out, "tasks     {}, one for each file\n", tasks.len())?;

    show_outbox(out, dal, folder, &files, &tasks).await?;
    writeln!(
        out,
        "The same for one more file, but the closure fails after both writes.\n"
    )?;
    let failure = half_way::fail(dal, folder, pipeline.id).await?;
    report::counts(out, &failure)?;
    relay::show(out, &database, &files, &tasks).await?;

    let pipeline = dal.pipeline_execution().get(pipeline.id).await?;
    writeln!(out, "pipeline  {} is {}", pipeline.name, pipeline.status)?;
    Ok(())
}

async fn show_outbox(
    out: &mut impl Write,
    dal: &DAL,
    folder: &Path,
    files: &[File],
    tasks: &[TaskExecution],
) -> Result<()> {
    writeln!(
        out,
        "One transaction: a row in imports, and every task is ready.\n"
    )?;
    import::release(dal, folder, tasks).await?;
    let outbox = dal.task_outbox().list_pending(report::ROWS).await?;
    report::outbox(out, &outbox, tasks, files)
}
