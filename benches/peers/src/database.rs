//! A database for a peer, which is gone when it is dropped.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Where xtask says which server it has started.
const SERVER: &str = "TASKBOX_POSTGRES_URL";

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Backend {
    Postgres,
    Sqlite,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Sqlite => "SQLite",
        }
    }
}

pub(crate) enum Database {
    Postgres { name: String, url: String },
    Sqlite { folder: TempDir },
}

impl Database {
    pub(crate) async fn create(backend: Backend) -> Result<Self> {
        if backend == Backend::Sqlite {
            let folder = tempfile::tempdir()?;
            return Ok(Self::Sqlite { folder });
        }
        let name = format!("peers_{}", Uuid::now_v7().simple());
        let server = connect(&server()?).await?;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        server.batch_execute(&create).await?;
        let url = url_of(&name)?;
        Ok(Self::Postgres { name, url })
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres { url, .. } => url.clone(),
            Self::Sqlite { .. } => format!("sqlite://{}", self.file().display()),
        }
    }

    fn file(&self) -> PathBuf {
        match self {
            Self::Postgres { .. } => PathBuf::new(),
            Self::Sqlite { folder } => folder.path().join("jobs.db"),
        }
    }

    /// So that neither autovacuum nor a checkpoint falls into one measurement and not into another.
    pub(crate) async fn tidy(&self) -> Result<()> {
        match self {
            Self::Postgres { url, .. } => {
                let client = connect(url).await?;
                client.batch_execute("VACUUM ANALYZE").await?;
                client.batch_execute("CHECKPOINT").await?;
            }
            Self::Sqlite { .. } => {
                let connection = Connection::open(self.file())?;
                connection.execute_batch("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")?;
            }
        }
        Ok(())
    }

    /// Who counts in it by a query.
    pub(crate) async fn counter(&self, query: &'static str) -> Result<Counter> {
        Ok(match self {
            Self::Postgres { url, .. } => Counter::Postgres(connect(url).await?, query),
            Self::Sqlite { .. } => Counter::Sqlite(Connection::open(self.file())?, query),
        })
    }

    /// Removes it, also from under those who are still connected.
    pub(crate) async fn remove(self) -> Result<()> {
        if let Self::Postgres { name, .. } = &self {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            connect(&server()?).await?.batch_execute(&drop).await?;
        }
        Ok(())
    }
}

pub(crate) enum Counter {
    Postgres(Client, &'static str),
    Sqlite(Connection, &'static str),
}

impl Counter {
    pub(crate) async fn count(&self) -> Result<i64> {
        Ok(match self {
            Self::Postgres(client, query) => client.query_one(*query, &[]).await?.get(0),
            Self::Sqlite(file, query) => file.query_row(query, [], |row| row.get(0))?,
        })
    }
}

pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, driver) = tokio_postgres::connect(url, NoTls)
        .await
        .with_context(|| format!("cannot connect to {url}"))?;
    // Ends with the client.
    tokio::spawn(driver);
    Ok(client)
}

pub(crate) fn server() -> Result<String> {
    env::var(SERVER)
        .with_context(|| format!("{SERVER} is not set: run this by `cargo xtask peers`"))
}

/// The URL of another database of the server. Nobody encrypts.
fn url_of(name: &str) -> Result<String> {
    let server = server()?;
    let (host, _) = server.rsplit_once('/').context("the URL has no database")?;
    Ok(format!("{host}/{name}?sslmode=disable"))
}
