//! Where it is measured, and how durable it is there.

use std::fs;
use std::thread::available_parallelism;

use anyhow::Result;
use rusqlite::Connection;

use crate::database::{Backend, connect, server};

/// What the server must be set to; it is xtask that starts it so.
const DURABLE: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

/// In one line.
pub(crate) async fn describe(backend: Backend) -> Result<String> {
    let cores = available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty());
    let load = load.unwrap_or("unknown");
    let database = match backend {
        Backend::Postgres => postgres().await?,
        Backend::Sqlite => sqlite()?,
    };
    Ok(format!("{cores} cores, load {load} before; {database}."))
}

async fn postgres() -> Result<String> {
    let client = connect(&server()?).await?;
    let version: String = client
        .query_one(
            "SELECT split_part(current_setting('server_version'), ' ', 1)",
            &[],
        )
        .await?
        .get(0);
    let mut settings = Vec::new();
    for name in DURABLE {
        let value: String = client
            .query_one("SELECT current_setting($1)", &[&name])
            .await?
            .get(0);
        anyhow::ensure!(
            value == "on",
            "{name} is {value}: run this by `cargo xtask peers`"
        );
        settings.push(format!("{name} {value}"));
    }
    Ok(format!("Postgres {version}, {}", settings.join(", ")))
}

fn sqlite() -> Result<String> {
    let version: String =
        Connection::open_in_memory()?.query_row("SELECT sqlite_version()", [], |row| row.get(0))?;
    Ok(format!(
        "SQLite {version}, journal in the WAL, synchronous FULL"
    ))
}
