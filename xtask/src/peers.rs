//! Taskbox beside other job queues, by a package that is a workspace of its own.

use std::ffi::OsStr;

use anyhow::Result;

use crate::command::{cargo, run};
use crate::postgres::Server;

pub(crate) const MANIFEST: &str = "benches/peers/Cargo.toml";

pub(crate) fn run_on(server: &Server, args: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut peers = cargo();
    peers
        .args(["run", "--release", "--locked", "--manifest-path", MANIFEST])
        .arg("--")
        .args(args)
        .envs(server.environment()?);
    run(&mut peers)
}
