//! `cargo test` with what the tests need around them.

mod direct;

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{cargo, output, root, run};
use crate::diesel_cli;
use crate::pooler::Pooler;
use crate::postgres::Server;

const EVERYTHING: [&str; 3] = ["--workspace", "--features", "postgres,sqlite"];
/// The crates whose tests have a database.
const WITH_DATABASE: [&str; 3] = ["cli", "dal", "executor"];
/// What is in the names of the tests of Postgres, as `suite!` makes them.
const OF_POSTGRES: &str = "postgres::";
/// The one test that has both databases at once.
const OF_BOTH: &str = "both_backends_answer_and_end_as_the_reference_does";

/// Everything if there are no arguments; then that of Postgres behind a pooler, too, but for what takes long there.
pub(crate) fn run_on(server: &Server, args: &[OsString]) -> Result<()> {
    run_by(cargo(), server, args)?;
    if args.is_empty() {
        println!("the tests of Postgres once more, behind PgBouncer in transaction mode");
        let targets = targets(|file| !direct::LONG.contains(&file))?;
        all_behind_a_pooler(server, targets)?;
    }
    Ok(())
}

/// What the arguments name, or all that can be run there.
pub(crate) fn behind_a_pooler(server: &Server, args: &[OsString]) -> Result<()> {
    if args.is_empty() {
        let targets = targets(|_| true)?;
        ensure_known(&targets)?;
        return all_behind_a_pooler(server, targets);
    }
    run_behind_a_pooler(server, args)
}

fn all_behind_a_pooler(server: &Server, targets: Vec<OsString>) -> Result<()> {
    let mut args = targets;
    args.extend(["--".into(), OF_POSTGRES.into(), OF_BOTH.into()]);
    for name in direct::TESTS.iter().flat_map(|(_, names)| *names) {
        args.extend(["--skip".into(), name.into()]);
    }
    run_behind_a_pooler(server, &args)
}

fn run_behind_a_pooler(server: &Server, args: &[OsString]) -> Result<()> {
    let pooler = Pooler::start(server.address())?;
    let mut test = cargo();
    test.env("TASKBOX_POSTGRES_POOLER", pooler.url());
    run_by(test, server, args)
}

/// Those that can be run behind a pooler, as arguments of `cargo test`.
fn targets(is_wanted: impl Fn(&str) -> bool) -> Result<Vec<OsString>> {
    let mut targets = vec!["--lib".into()];
    for crate_name in WITH_DATABASE {
        let folder = root().join("crates").join(crate_name).join("tests");
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_target = path.is_file() || path.join("main.rs").is_file();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let can_be = direct::FILES.iter().all(|(file, _)| name != *file);
            if is_target && can_be && is_wanted(&name) {
                targets.extend(["--test".into(), name.as_ref().into()]);
            }
        }
    }
    Ok(targets)
}

/// Fails if a test that is left out is not there: it has another name now, and would be run.
fn ensure_known(targets: &[OsString]) -> Result<()> {
    let mut list = cargo();
    list.args(["test", "--quiet"])
        .args(EVERYTHING)
        .args(targets);
    let list = output(list.args(["--", "--list"]))?;
    let unknown = direct::unknown(&list);
    if !unknown.is_empty() {
        bail!(
            "no test is called {}: correct xtask/src/test/direct.rs",
            unknown.join(", nor ")
        );
    }
    Ok(())
}

fn run_by(mut test: Command, server: &Server, args: &[OsString]) -> Result<()> {
    test.arg("test")
        .envs(server.environment()?)
        .env("TASKBOX_DIESEL_CLI", diesel_cli::find_or_install()?);
    // Cargo refuses features that no chosen package has, and `--workspace` overrules `-p`.
    if !choose_package(args) {
        test.args(EVERYTHING);
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
