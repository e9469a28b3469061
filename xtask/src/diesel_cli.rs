//! Finding the Diesel CLI, which writes `schema.rs` and which the tests of the migrations run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::command::{cargo, on_path, root, run};

/// `schema.rs` is compared letter for letter, so the CLI is of the library's minor version.
const MINOR: &str = "2.3.";
const VERSION: &str = "2.3.14";

/// The `diesel` on the search path or in target/tools, or one that it installs there.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    let tools = root().join("target/tools");
    let ours = tools.join("bin/diesel");
    let found = on_path("diesel")
        .into_iter()
        .chain([ours.clone()])
        .find(|program| suits(program));
    if let Some(program) = found {
        return Ok(program);
    }
    install(&tools)?;
    Ok(ours)
}

fn install(tools: &Path) -> Result<()> {
    if on_path("pg_config").is_none() {
        apt::install(
            "libpq-dev",
            "libpq (`pg_config`), which the Diesel CLI links to,",
        )?;
    }
    println!(
        "Diesel CLI {MINOR}x with postgres and sqlite not found: installing {VERSION} into target/tools"
    );
    let mut install = cargo();
    install
        .args(["install", "diesel_cli", "--version", VERSION, "--locked"])
        // Compiled in half the time; it is run a few times.
        .arg("--debug")
        .args([
            "--no-default-features",
            "--features",
            "postgres,sqlite-bundled",
            "--root",
        ])
        .arg(tools);
    run(&mut install).context("cannot install the Diesel CLI")
}

fn suits(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| is_usable(&String::from_utf8_lossy(&output.stdout)))
}

/// `about` is what `diesel --version` prints.
fn is_usable(about: &str) -> bool {
    let field = |name| {
        about
            .lines()
            .find_map(|line| line.trim().strip_prefix(name))
    };
    let backends = field("Supported Backends:").unwrap_or_default();
    field("Version: ").is_some_and(|version| version.starts_with(MINOR))
        && ["postgres", "sqlite"]
            .iter()
            .all(|name| backends.split_whitespace().any(|backend| backend == *name))
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn the_minor_version_counts() {
        assert!(is_usable(
            "diesel \n Version: 2.3.14\n Supported Backends: postgres sqlite\n"
        ));
        assert!(is_usable(
            "diesel \n Version: 2.3.0\n Supported Backends: mysql postgres sqlite\n"
        ));
        assert!(!is_usable(
            "diesel \n Version: 2.30.1\n Supported Backends: postgres sqlite\n"
        ));
        assert!(!is_usable("diesel 2.2.4\n"));
    }

    #[test]
    fn both_backends_count() {
        assert!(!is_usable(
            "diesel \n Version: 2.3.14\n Supported Backends: sqlite\n"
        ));
    }
}
