//! `cargo bench` with the database that the benchmarks need.

use std::ffi::OsStr;

use anyhow::Result;

use crate::command::{cargo, run};
use crate::postgres::Server;

pub(crate) fn run_on(server: &Server, args: &[impl AsRef<OsStr>]) -> Result<()> {
    // Whether they run at all is learned from what the tests have compiled already.
    let once = args.iter().any(|arg| arg.as_ref() == "--test");
    let profile = if once { "dev" } else { "bench" };
    let mut bench = cargo();
    // `--bench *` leaves out the unit tests, whose harness knows none of Criterion's arguments.
    bench
        .args([
            "bench",
            "--profile",
            profile,
            "-p",
            "taskbox-dal",
            "-p",
            "taskbox-executor",
            "--features",
            "postgres,sqlite",
            "--bench",
            "*",
            "--",
        ])
        .args(args)
        .envs(server.environment()?);
    run(&mut bench)
}
