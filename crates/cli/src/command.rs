//! What the program can do: one file for each command.

pub(crate) mod bench;
pub(crate) mod cancel;
pub(crate) mod cleanup;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod migrate;
pub(crate) mod pause;
pub(crate) mod pipeline;
pub(crate) mod pipelines;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod status;
pub(crate) mod task;
pub(crate) mod tasks;
pub(crate) mod watch;

use crate::{
    Result,
    arguments::{Arguments, Command},
    output::Output,
};

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments, out: &mut Output) -> Result<()> {
    let database = arguments.database;
    match arguments.command {
        Command::Demo(command) => command.run(&database, out).await,
        Command::Doctor(command) => command.run(&database, out).await,
        Command::Migrate(command) => command.run(&database, out).await,
        Command::Status(command) => command.run(&database, out).await,
        Command::Watch(command) => command.run(&database, out).await,
        Command::Pipelines(command) => command.run(&database, out).await,
        Command::Pipeline(command) => command.run(&database, out).await,
        Command::Tasks(command) => command.run(&database, out).await,
        Command::Task(command) => command.run(&database, out).await,
        Command::Events(command) => command.run(&database, out).await,
        Command::Retry(command) => command.run(&database, out).await,
        Command::Cancel(command) => command.run(&database, out).await,
        Command::Pause(command) => command.run(&database, out).await,
        Command::Resume(command) => command.run(&database, out).await,
        Command::Cleanup(command) => command.run(&database, out).await,
        Command::Bench(command) => command.run(&database, out).await,
        Command::Completions(command) => command.run(out),
    }
}
