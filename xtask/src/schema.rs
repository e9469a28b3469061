//! `crates/schema/src/schema.rs`, which the Diesel CLI writes from a migrated database.

use anyhow::{Context, Result};

use crate::command::{program, run};
use crate::diesel_cli;
use crate::postgres::Server;

pub(crate) fn run_on(server: &Server, check: bool) -> Result<()> {
    let mut diesel = program(diesel_cli::find_or_install()?);
    diesel
        .args(["migration", "run"])
        .env("DATABASE_URL", server.create_database("schema")?);
    if !check {
        return run(&mut diesel);
    }
    run(diesel.arg("--locked-schema"))
        .context("run `cargo xtask schema` and commit crates/schema/src/schema.rs")
}
