//! `docs/task-lifecycle.md`, which the table of transitions prints.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, root};

const PAGE: &str = "docs/task-lifecycle.md";

pub(crate) fn run(check: bool) -> Result<()> {
    // With the features of the tests, for which the dependencies are compiled already.
    let features = ["--features", "postgres,sqlite"];
    let page = output(
        cargo()
            .arg("run")
            .args(features)
            .args(["--example", "lifecycle"]),
    )?;
    let path = root().join(PAGE);
    if !check {
        return fs::write(path, page).with_context(|| format!("cannot write {PAGE}"));
    }
    if fs::read_to_string(path).unwrap_or_default() != page {
        bail!("{PAGE} is not what the transitions say: run `cargo xtask lifecycle` and commit it");
    }
    Ok(())
}
