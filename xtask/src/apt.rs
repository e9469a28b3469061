//! Installing what is missing, where we may.

use std::process::Command;

use anyhow::{Result, bail};

use crate::account::is_root;
use crate::command::{on_path, run};

/// Installs a Debian package that has `thing`, or says how a person can.
pub(crate) fn install(package: &str, thing: &str) -> Result<()> {
    if !is_root() || on_path("apt-get").is_none() {
        bail!("{thing} not found: install it with `sudo apt-get install {package}`");
    }
    println!("{thing} not found: installing the package {package}");
    run(apt_get().arg("update"))?;
    run(apt_get().args(["install", "--yes", package]))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
