use std::{io::Write, time::Duration};

use clap::Args;
use indicatif::ProgressBar;
use taskbox_dal::{DAL, Pruned};

use crate::{Result, arguments::Database, duration::age, output::Output, steer::DryRun, text};

/// Delete what ended long ago, with its history
///
/// Pipelines go as a whole, with their tasks; tasks of no pipeline one by one. What has not ended stays, however old it
/// is. Executors do the same by themselves, unless they are told to keep everything.
#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    /// How long ago it must have ended: 90d, 12h, 30m or 45s
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Duration,
    #[command(flatten)]
    mode: DryRun,
}

/// How many events one transaction looks at.
const AT_ONCE: i64 = 1_000;

impl Cleanup {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        if self.mode.dry_run {
            let found = dal
                .execution_event()
                .count_prunable(self.older_than)
                .await?;
            let (pipelines, tasks) = words(found.pipelines, found.tasks);
            writeln!(
                out,
                "would delete {pipelines} and {tasks}, with their history"
            )?;
            return Ok(());
        }
        let all = prune(&dal, self.older_than).await?;
        let (pipelines, tasks) = words(all.pipelines as i128, all.tasks as i128);
        let events = text::count(all.events as i128, "event");
        writeln!(out, "deleted {pipelines} and {tasks}, with {events}")?;
        Ok(())
    }
}

fn words(pipelines: impl Into<i128>, tasks: impl Into<i128>) -> (String, String) {
    let tasks = text::count(tasks, "task");
    (
        text::count(pipelines, "pipeline"),
        format!("{tasks} of no pipeline"),
    )
}

/// Walks through the history once.
async fn prune(dal: &DAL, age: Duration) -> Result<Pruned> {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    let (mut all, mut position) = (Pruned::default(), Some(0));
    while let Some(after) = position {
        let pruned = dal.execution_event().prune(age, after, AT_ONCE).await?;
        all.pipelines += pruned.pipelines;
        all.tasks += pruned.tasks;
        all.events += pruned.events;
        position = pruned.next;
        bar.set_message(format!(
            "{} deleted",
            text::count(all.events as i128, "event")
        ));
    }
    bar.finish_and_clear();
    Ok(all)
}
