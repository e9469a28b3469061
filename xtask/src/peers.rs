//! Taskbox beside other job queues, by a package that is a workspace of its own.

use std::ffi::OsStr;

use anyhow::Result;

use crate::command::{cargo, output, run};
use crate::postgres::Server;

const MANIFEST: &str = "benches/peers/Cargo.toml";

pub(crate) fn run_on(server: &Server, args: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut peers = cargo();
    peers
        .args(["run", "--release", "--locked", "--manifest-path", MANIFEST])
        .arg("--")
        .args(args)
        .envs(server.environment()?);
    run(&mut peers)
}

/// What can be said of the package without minutes of compiling it: its format, and that its lock fits Taskbox.
pub(crate) fn check() -> Result<()> {
    run(cargo().args(["fmt", "--check", "--manifest-path", MANIFEST]))?;
    let lock = ["metadata", "--locked", "--format-version", "1"];
    output(cargo().args(lock).args(["--manifest-path", MANIFEST])).map(drop)
}
