//! The command line.

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use uuid::Uuid;

use crate::command::{
    bench, cancel, cleanup, completions, demo, doctor, events, migrate, pause, pipeline, pipelines,
    resume, retry, status, task, tasks, watch,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the database or the program failed
  2    the command line is wrong
  3    the answer is no: not found, refused, migrations are pending, or something is wrong
  130  stopped by Ctrl-C";

/// See what the tasks in a Taskbox database do, and steer them.
#[derive(Debug, Parser)]
#[command(name = "taskbox", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    #[arg(
        long = "database-url",
        help = "The database: sqlite://tasks.db, or postgres://user@host/database",
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub(crate) url: Option<String>,
    /// The schema of a Postgres database in which everything is
    #[arg(
        long,
        value_name = "NAME",
        env = "TASKBOX_SCHEMA",
        hide_env_values = true,
        global = true
    )]
    pub(crate) schema: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Migrate(migrate::Migrate),
    Status(status::Status),
    Watch(watch::Watch),
    Pipelines(pipelines::Pipelines),
    Pipeline(pipeline::Pipeline),
    Tasks(tasks::Tasks),
    Task(task::Task),
    Events(events::Events),
    Retry(retry::Retry),
    Cancel(cancel::Cancel),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Cleanup(cleanup::Cleanup),
    Doctor(doctor::Doctor),
    Bench(bench::Bench),
    Completions(completions::Completions),
}

/// In which form a command that reads answers.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Form {
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Page {
    /// How many to show, newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
    /// Show those that are older than this one: the last id of a page gives the next page
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<Uuid>,
}

/// Reads a status of tasks, in whatever case.
pub(crate) fn task_status() -> impl TypedValueParser<Value = TaskStatus> {
    let all = TaskStatus::ALL.iter();
    PossibleValuesParser::new(all.map(|status| status.as_str()))
        .try_map(|text| find(TaskStatus::ALL, TaskStatus::as_str, &text))
}

/// Reads a status of pipelines, in whatever case.
pub(crate) fn pipeline_status() -> impl TypedValueParser<Value = PipelineStatus> {
    let all = PipelineStatus::ALL.iter();
    PossibleValuesParser::new(all.map(|status| status.as_str()))
        .try_map(|text| find(PipelineStatus::ALL, PipelineStatus::as_str, &text))
}

/// Reads a type of events, in whatever case.
pub(crate) fn event_type() -> impl TypedValueParser<Value = EventType> {
    let all = EventType::ALL.iter();
    PossibleValuesParser::new(all.map(|event| event.as_str()))
        .try_map(|text| find(EventType::ALL, EventType::as_str, &text))
}

fn find<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let mut all = all.iter().copied();
    all.find(|it| name(*it).eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("there is no {text:?}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_arguments_go_together() {
        Arguments::command().debug_assert();
    }
}
