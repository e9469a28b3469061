mod files;
mod handlers;
mod report;

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use taskbox_dal::DAL;
use taskbox_executor::{Executor, Pipeline};
use taskbox_models::{PipelineExecution, PipelineStatus, RunWhen};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Error, Result, arguments::Database, history::Workers, interrupt::Interrupt, output::Output,
    text,
};
use files::Found;
use handlers::CountFile;

/// Run a pipeline over the files of a folder, and show what happened
///
/// One task for each file counts and hashes it, one that waits for all of these sums up, and the last one delivers the
/// sum, which fails twice on purpose. All of it is in a new SQLite file in a temporary folder, unless a database is
/// given; there, tables that are missing are made first. Ctrl-C lets what runs end, and shows what was reached; once more
/// ends it at once.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder whose files to count, with those of the folders in it; hidden ones are left out
    folder: PathBuf,
    /// How many files to count at the most
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    max_files: u16,
}

/// The queue of its tasks, so that the executor of the demo takes no others.
const QUEUE: &str = "demo";
/// How many attempts run at once.
const CONCURRENCY: usize = 4;
const DELIVER: &str = "deliver";
const SUM: &str = "sum";

impl Demo {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen();
        let found = files::find(&self.folder, self.max_files.into())?;
        let (url, folder) = database.url_or_temporary("demo")?;
        // It stays, to be looked at.
        let is_ours = folder.map(TempDir::keep).is_some();
        let dal = database.open(&url).await?;
        let applied = dal.migrate().await?;
        let shown = if is_ours { &url } else { "as given" };
        writeln!(
            out,
            "database  {}, {} applied",
            text::one_line(shown),
            text::count(applied.len() as i128, "migration")
        )?;
        let pipeline = start(&dal, &self.folder, &found, out).await?;
        let (ended, workers) = execute(&dal, pipeline, found.files.len() + 2, &interrupt).await?;
        report::write(&dal, &ended, &found, &workers, out).await?;
        next_steps(out, &ended, is_ours.then_some(&*url))?;
        interrupt.check()?;
        match ended.status {
            PipelineStatus::Completed => Ok(()),
            status => Err(Error::Failed(format!(
                "the pipeline is {status}; `taskbox pipeline {}` says which of its tasks are why",
                ended.id
            ))),
        }
    }
}

/// Starts the pipeline: the files, the sum of them, and its delivery.
async fn start(dal: &DAL, folder: &Path, found: &Found, out: &mut Output) -> Result<Uuid> {
    let name = text::shortened(&format!("count {}", folder.display()), 100);
    let mut pipeline = Pipeline::new(&name);
    let names: Vec<String> = (1..=found.files.len())
        .map(|n| format!("file {n}"))
        .collect();
    for (file, name) in found.files.iter().zip(&names) {
        let input = CountFile {
            path: file.path.clone(),
        };
        pipeline = pipeline.task("count-file", input).named(name).queue(QUEUE);
    }
    let started = pipeline
        .task(SUM, ())
        .queue(QUEUE)
        .after(names.iter().map(String::as_str))
        .run_when(RunWhen::AllDone)
        .task(DELIVER, ())
        .queue(QUEUE)
        .after([SUM])
        .start(dal)
        .await?;
    let id = started.pipeline_execution_id;
    writeln!(out, "pipeline  {name}, {id}")?;
    let files = text::count(found.files.len() as i128, "file");
    let left_out = match found.left_out {
        0 => String::new(),
        number => format!(" ({} left out)", text::number(number as i128)),
    };
    writeln!(out, "tasks     {files}{left_out} → {SUM} → {DELIVER}\n")?;
    Ok(id)
}

/// Runs the pipeline to its end or until Ctrl-C, with a bar of so many ends on a terminal.
async fn execute(
    dal: &DAL,
    pipeline: Uuid,
    tasks: usize,
    interrupt: &Interrupt,
) -> Result<(PipelineExecution, Workers)> {
    let bar = ProgressBar::new(tasks as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {pos} of {len} tasks, {elapsed} {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    let executor = handlers::register(Executor::builder(dal.clone()), &bar)
        .queue(QUEUE, CONCURRENCY)
        .name("taskbox demo")
        .build()?;
    let executor = executor.start();
    let ended = interrupt.or(dal.pipeline_execution().wait(pipeline)).await;
    // Before it is gone.
    let workers = Workers::load(dal).await;
    executor.stop().await?;
    bar.finish_and_clear();
    let reached = match ended {
        Ok(ended) => ended?,
        Err(_) => dal.pipeline_execution().get(pipeline).await?,
    };
    Ok((reached, workers?))
}

fn next_steps(out: &mut Output, ended: &PipelineExecution, ours: Option<&str>) -> Result<()> {
    writeln!(out, "\nLook around:\n")?;
    if let Some(url) = ours {
        writeln!(out, "  export DATABASE_URL={}", text::one_line(url))?;
    }
    let program = env::args().next();
    let program = text::one_line(program.as_deref().unwrap_or("taskbox"));
    writeln!(out, "  {program} pipeline {}", ended.id)?;
    writeln!(out, "  {program} status")?;
    Ok(())
}
