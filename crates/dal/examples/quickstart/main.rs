//! Taskbox on real input: a task for each file of a folder, made ready together with a row of our own.
//!
//! `cargo run -p taskbox-dal --example quickstart -- <folder>`

mod database;
mod files;
mod import;
mod report;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

const USAGE: &str = "usage: cargo run -p taskbox-dal --example quickstart -- <folder>";

/// Whatever goes wrong, for a person to read.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return fail(2, USAGE);
    };
    match run(Path::new(folder), &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("error: {error}")),
    }
}

async fn run(folder: &Path, out: &mut impl Write) -> Result<()> {
    let files = files::of(folder)?;
    let (dal, file, migrations) = database::create().await?;
    let file = file.display();
    writeln!(
        out,
        "database  {file}, made anew by {migrations} migrations"
    )?;

    let (pipeline, tasks) = import::make_tasks(&dal, folder, &files).await?;
    writeln!(out, "pipeline  {}", pipeline.name)?;
    writeln!(out, "tasks     {}, one for each file\n", tasks.len())?;

    writeln!(
        out,
        "One transaction: a row in imports, and every task is ready.\n"
    )?;
    import::release(&dal, folder, &tasks).await?;
    let outbox = dal.task_outbox().list_pending(report::ROWS).await?;
    report::outbox(out, &outbox, &tasks, &files)?;

    writeln!(
        out,
        "The same for one more file, but the closure fails after both writes.\n"
    )?;
    let counts = import::fail_half_way(&dal, folder, pipeline.id).await?;
    report::counts(out, &counts)?;

    writeln!(out, "The history of {}.\n", files[0].name)?;
    let events = dal.execution_event().list_by_task(tasks[0].id).await?;
    report::history(out, &events)
}

/// Says why on the standard error. If even that is closed, the exit code remains.
fn fail(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(code)
}

/// Whether the reader of the output has gone, such as `head`.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
