//! Pools of sqlx.

use std::str::FromStr;

use anyhow::Result;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::settings::BUSY;

pub(crate) async fn postgres(url: &str, connections: u32) -> Result<PgPool> {
    let options = PgPoolOptions::new().max_connections(connections);
    Ok(options.connect(url).await?)
}

/// As durable as Taskbox has it.
pub(crate) async fn sqlite(url: &str, connections: u32) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let pool = SqlitePoolOptions::new().max_connections(connections);
    Ok(pool.connect_with(options).await?)
}
