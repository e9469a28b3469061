//! `cargo test` with what the tests need around them.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, run};
use crate::diesel_cli;
use crate::pooler::Pooler;
use crate::postgres::Server;

/// What is also run behind a pooler in transaction mode: what the DAL promises to who shares its sessions with others.
/// Not what is about a session or a server: LISTEN, `search_path`, TLS, messages that are lost, servers that go away.
const BEHIND_A_POOLER: [&str; 10] = [
    "atomicity",
    "attempt",
    "attempts",
    "fence",
    "pipeline_cancel",
    "pipeline_execution",
    "retry",
    "task_execution",
    "task_outbox",
    "transaction",
];

/// Everything if there are no arguments; then some of it behind a pooler, too.
pub(crate) fn run_on(server: &Server, args: &[OsString]) -> Result<()> {
    run_by(cargo(), server, args)?;
    if args.is_empty() {
        println!("some tests of Postgres once more, behind PgBouncer in transaction mode");
        behind_a_pooler(server, &[])?;
    }
    Ok(())
}

/// What the arguments name, or what is to work there.
pub(crate) fn behind_a_pooler(server: &Server, args: &[OsString]) -> Result<()> {
    let pooler = Pooler::start(server.address())?;
    let mut test = cargo();
    test.env("TASKBOX_POSTGRES_POOLER", pooler.url());
    if !args.is_empty() {
        return run_by(test, server, args);
    }
    let suites = BEHIND_A_POOLER.iter().flat_map(|suite| ["--test", *suite]);
    let args: Vec<OsString> = suites.chain(["postgres::"]).map(Into::into).collect();
    run_by(test, server, &args)
}

fn run_by(mut test: Command, server: &Server, args: &[OsString]) -> Result<()> {
    test.arg("test")
        .envs(server.environment()?)
        .env("TASKBOX_DIESEL_CLI", diesel_cli::find_or_install()?);
    // Cargo refuses features that no chosen package has, and `--workspace` overrules `-p`.
    if !choose_package(args) {
        test.args(["--workspace", "--features", "postgres,sqlite"]);
    }
    run(test.args(args))
}

/// Whether `args` say which packages to test; what follows `--` is for the tests.
fn choose_package(args: &[OsString]) -> bool {
    args.iter()
        .map(|arg| arg.to_string_lossy())
        .take_while(|arg| arg != "--")
        .any(|arg| arg.starts_with("-p") || arg.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::choose_package;

    #[test]
    fn only_arguments_of_cargo_choose_a_package() {
        let chooses =
            |line: &str| choose_package(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        assert!(chooses("-p taskbox-dal --test sql"));
        assert!(chooses("claim -ptaskbox-dal"));
        assert!(chooses("--package=taskbox-dal"));
        assert!(!chooses("mark_ready"));
        assert!(!chooses("mark_ready -- -p"));
    }
}
