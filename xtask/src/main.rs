//! The project's own commands; `cargo xtask --help` lists them.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for people at a terminal"
)]

mod account;
mod apt;
mod bench;
mod book;
mod ci;
mod command;
mod dependencies;
mod diesel_cli;
mod fuzz;
mod lifecycle;
mod links;
mod peers;
mod pgbouncer;
mod pooler;
mod postgres;
mod programs;
mod schema;
mod test;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::postgres::{Server, Settings};
use crate::programs::ServerPrograms;

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "The project's own commands",
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all tests, on a private Postgres server and on SQLite files
    ///
    /// Without ARGS that is every package, its examples and its doc tests. ARGS narrow it, as they
    /// do for `cargo test`, doc tests included: `-- mark_ready` runs what has that in its name,
    /// `-- -p taskbox-dal --test sql` one file of tests, `-- claim -- --nocapture` shows output.
    Test {
        /// Arguments of `cargo test`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Run the tests of Postgres behind a private `PgBouncer` in transaction mode: all that can be, unless some are named
    Pooler {
        /// Arguments of `cargo test`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Run the benchmarks, on a private Postgres server that syncs every commit
    Bench {
        /// Arguments of Criterion: a filter, `--save-baseline NAME`, `--baseline NAME`, `--test`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Measure Taskbox beside other job queues, on a private Postgres server that syncs every commit
    Peers {
        /// Arguments of benches/peers; `--help` lists them
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Fuzz every decoder and validator, by coverage
    Fuzz {
        /// Which targets; all of them unless some are named
        targets: Vec<String>,
        /// How long each runs
        #[arg(long, default_value_t = 10)]
        seconds: u32,
        /// Arguments of libFuzzer; `-help=1` lists them
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Write crates/schema/src/schema.rs from the Postgres migrations
    Schema {
        /// Change nothing; fail if the file is not what the migrations make
        #[arg(long)]
        check: bool,
    },
    /// Write docs/task-lifecycle.md and its picture from the table of transitions
    Lifecycle {
        /// Change nothing; fail if the page is not what the table says
        #[arg(long)]
        check: bool,
    },
    /// Build docs/ as a book into target/book, and check the links of every page
    Book,
    /// Check that dependencies point one way and that nothing links a system library
    Dependencies,
    /// Start a private Postgres server, print its URL, and stop it at Ctrl-C
    Postgres,
    /// Run everything that a change must pass, the fast checks first
    Ci,
    #[command(hide = true)]
    KeepPooler {
        /// `pgbouncer`
        program: PathBuf,
        /// Where the server is: `host:port`
        server: String,
    },
    #[command(hide = true)]
    KeepPostgres {
        settings: Settings,
        /// The folder of Postgres's server programs, looked for unless it is given
        programs: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Test { args } => test::run_on(&Server::start(Settings::Fast)?, &args),
        Task::Pooler { args } => test::behind_a_pooler(&Server::start(Settings::Fast)?, &args),
        Task::Bench { args } => bench::run_on(&Server::start(Settings::Durable)?, &args),
        Task::Peers { args } => peers::run_on(&Server::start(Settings::Durable)?, &args),
        Task::Fuzz {
            targets,
            seconds,
            args,
        } => fuzz::run_targets(&targets, seconds, &args),
        Task::Schema { check } => schema::run_on(&Server::start(Settings::Fast)?, check),
        Task::Lifecycle { check } => lifecycle::run(check),
        Task::Book => book::build(),
        Task::Dependencies => dependencies::check(),
        Task::Postgres => postgres::serve(),
        Task::Ci => ci::run(),
        Task::KeepPooler { program, server } => pooler::keep(&program, &server),
        Task::KeepPostgres { settings, programs } => {
            let programs = programs.map(ServerPrograms::at);
            let programs = programs.map_or_else(ServerPrograms::find_or_install, Ok)?;
            postgres::keep(&programs, settings)
        }
    }
}
