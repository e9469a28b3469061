//! `docs/task-lifecycle.md` and its picture, which the table of transitions prints.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, root};

/// The files, each with the arguments by which the example prints it.
const FILES: [(&str, &[&str]); 2] = [
    ("docs/task-lifecycle.md", &[]),
    ("docs/task-lifecycle.svg", &["picture"]),
];

pub(crate) fn run(check: bool) -> Result<()> {
    for (file, args) in FILES {
        keep(file, args, check)?;
    }
    Ok(())
}

fn keep(file: &str, args: &[&str], check: bool) -> Result<()> {
    // With the features of the tests, for which the dependencies are compiled already.
    let features = ["--features", "postgres,sqlite"];
    let printed = output(
        cargo()
            .arg("run")
            .args(features)
            .args(["--example", "lifecycle", "--"])
            .args(args),
    )?;
    let path = root().join(file);
    if !check {
        return fs::write(path, printed).with_context(|| format!("cannot write {file}"));
    }
    if fs::read_to_string(path).unwrap_or_default() != printed {
        bail!("{file} is not what the transitions say: run `cargo xtask lifecycle` and commit it");
    }
    Ok(())
}
