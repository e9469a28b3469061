//! The Diesel CLI.

use std::{env, fs, io::ErrorKind, path::Path, process::Command};

/// Runs it in `folder`; an error is what it said.
pub(crate) fn diesel(folder: &Path, url: &str, arguments: &str) -> Result<(), String> {
    let program = env::var_os("TASKBOX_DIESEL_CLI").unwrap_or_else(|| "diesel".into());
    let mut command = Command::new(program);
    command
        .args(arguments.split(' '))
        .current_dir(folder)
        .env("DATABASE_URL", url)
        .env_remove("DIESEL_CONFIG_FILE")
        .env_remove("MIGRATION_DIRECTORY");
    let output = command.output().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => {
            panic!("run the tests through `cargo xtask test`, which installs the Diesel CLI")
        }
        _ => panic!("{command:?}: {error}"),
    });
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A project folder with a configuration and one migration.
pub(crate) fn write_project(folder: &Path, configuration: &str, up: &str, down: &str) {
    let migration = folder.join("migrations/2027-01-01-000000_ours");
    fs::create_dir_all(&migration).unwrap();
    fs::write(folder.join("diesel.toml"), configuration).unwrap();
    fs::write(migration.join("up.sql"), up).unwrap();
    fs::write(migration.join("down.sql"), down).unwrap();
}
