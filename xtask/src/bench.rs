//! `cargo bench` with the database that the benchmarks need.

use std::ffi::OsStr;

use anyhow::Result;

use crate::command::{cargo, run};
use crate::postgres::Server;

pub(crate) fn run_on(server: &Server, args: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut bench = cargo();
    // `--bench *` leaves out the unit tests, whose harness knows none of Criterion's arguments.
    bench
        .args([
            "bench",
            "-p",
            "taskbox-dal",
            "--features",
            "postgres,sqlite",
            "--bench",
            "*",
            "--",
        ])
        .args(args)
        .env("TASKBOX_POSTGRES_URL", server.url());
    run(&mut bench)
}
