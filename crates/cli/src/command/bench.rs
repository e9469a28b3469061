mod arena;
mod measure;
mod report;
mod settings;

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    Error, Result,
    arguments::{Database, Form},
    interrupt::Interrupt,
    output::{Output, json},
};
use arena::Arena;
use measure::Measured;
use report::Report;
use settings::Settings;

/// Measure what a database does: enqueue, drain, latency
///
/// All of it is in a new SQLite file in a temporary folder, which is removed afterwards, unless a database is given. That
/// one must have no pipelines, no tasks and no workers, and nobody else may use it meanwhile: its tables are made if they
/// are missing, and stay; the tasks of the run are deleted. On Postgres, --schema names a schema of its own for it.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How many tasks to enqueue one by one, and as many again in batches; all of them are drained
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tasks: u32,
    /// How many tasks are in a batch
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// How many tasks run at once
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// How many tasks to start one after the other, for the latency
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    #[command(flatten)]
    form: Form,
}

impl Bench {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen();
        let mut arena = Arena::open(database).await?;
        let settings = Settings::of(&self, &arena, database.schema.as_deref()).await?;
        let bar = self.bar();
        let measured = Measured::take(&self, &mut arena, &bar, &interrupt).await;
        bar.finish_and_clear();
        // Whatever came of it.
        let cleared = arena.clear().await;
        match (measured, cleared) {
            (Ok(measured), cleared) => {
                self.write(&Report { settings, measured }, out)?;
                cleared
            }
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(left)) => Err(Error::Failed(format!("{error}; and {left}"))),
        }
    }

    fn write(&self, report: &Report, out: &mut Output) -> Result<()> {
        if self.form.json {
            return json(out, report);
        }
        report.write(out)
    }

    /// A bar on a terminal, which moves on by tasks.
    fn bar(&self) -> ProgressBar {
        let tasks = 4 * u64::from(self.tasks) + u64::from(self.rounds);
        let bar = ProgressBar::new(tasks);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}
