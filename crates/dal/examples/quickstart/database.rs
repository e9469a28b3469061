//! The database: a fresh SQLite file with Taskbox's tables and one of our own.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use diesel_async::RunQueryDsl;
use taskbox_dal::DAL;

use crate::Result;

diesel::table! {
    /// A table that Taskbox knows nothing of.
    imports (id) {
        id -> Integer,
        folder -> Text,
        files -> BigInt,
        hashed -> BigInt,
    }
}

const IMPORTS: &str = "CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,
    files INTEGER NOT NULL,
    hashed INTEGER NOT NULL DEFAULT 0
) STRICT";

pub(crate) struct Database {
    pub(crate) dal: DAL,
    pub(crate) file: PathBuf,
    pub(crate) url: String,
    /// How many migrations made its tables.
    pub(crate) migrations: usize,
}

pub(crate) async fn create() -> Result<Database> {
    let file = env::temp_dir().join("taskbox-quickstart.db");
    remove(&file)?;
    let url = format!("sqlite://{}", file.display());
    let dal = DAL::connect(&url)
        .await
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let migrations = dal.migrate().await?.len();
    dal.transaction(async |tx| {
        diesel::sql_query(IMPORTS).execute(tx.sqlite()?).await?;
        Ok::<_, taskbox_dal::Error>(())
    })
    .await?;
    Ok(Database {
        dal,
        file,
        url,
        migrations,
    })
}

/// Removes what the last run left: the file, and what SQLite keeps beside it.
fn remove(file: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("cannot remove {}: {error}", path.display()).into());
            }
            _ => {}
        }
    }
    Ok(())
}
