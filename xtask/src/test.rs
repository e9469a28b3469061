//! `cargo test` with what the tests need around them.

use std::ffi::OsString;

use anyhow::Result;

use crate::command::{cargo, run};
use crate::diesel_cli;
use crate::postgres::Server;

pub(crate) fn run_on(server: &Server, args: &[OsString]) -> Result<()> {
    let mut test = cargo();
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
