//! Databases in temporary folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tempfile::TempDir;
use tokio::task;
use uuid::Uuid;

const FILE: &str = "tasks.db";

/// Longer than any writer of a test holds the lock, and shorter than the test's watchdog.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Database {
    folder: PathBuf,
}

impl Database {
    /// Copied from a template, which is made once per process and kept in memory.
    pub(crate) fn migrated(script: &str) -> Self {
        static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| template(script));
        let database = Self::empty();
        fs::write(database.file(), template).expect("a temporary folder takes a file");
        database
    }

    pub(crate) fn empty() -> Self {
        Self {
            folder: temporary_folder().keep(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<(), String> {
        let (file, sql) = (self.file(), sql.to_owned());
        joined(task::spawn_blocking(move || execute(&file, &sql)).await)
    }

    pub(crate) async fn query(&self, queries: &[String]) -> Vec<Vec<Vec<Option<String>>>> {
        let (file, queries) = (self.file(), queries.to_vec());
        joined(task::spawn_blocking(move || query(&file, &queries)).await)
    }

    pub(crate) fn remove(&self) {
        // A thread of a test that hangs may make a file in the folder as it goes. That is no failure.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn temporary_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("taskbox-test-")
        .tempdir()
        .unwrap_or_else(|error| {
            panic!("cannot make a temporary folder (TMPDIR says where): {error}")
        })
}

/// The bytes of a migrated database in WAL mode, closed by its last connection, so that they are all in one file.
fn template(script: &str) -> Vec<u8> {
    let folder = temporary_folder();
    let file = folder.path().join(FILE);
    let connection = open(&file);
    connection
        .pragma_update(None, "journal_mode", "wal")
        .expect("a file of its own can go to WAL mode");
    connection
        .execute_batch(script)
        .unwrap_or_else(|error| panic!("the SQLite migrations fail: {error}"));
    connection
        .close()
        .unwrap_or_else(|(_, error)| panic!("the template does not close: {error}"));
    fs::read(&file).expect("a file just written can be read")
}

fn open(file: &Path) -> Connection {
    Connection::open(file)
        .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
        .unwrap_or_else(|error| panic!("cannot open {}: {error}", file.display()))
}

fn execute(file: &Path, sql: &str) -> Result<(), String> {
    let result = open(file).execute_batch(sql);
    result.map_err(|error| error.to_string())
}

fn query(file: &Path, queries: &[String]) -> Vec<Vec<Vec<Option<String>>>> {
    let connection = open(file);
    let answer = |sql: &String| {
        try_query(&connection, sql).unwrap_or_else(|error| panic!("{error}, in: {sql}"))
    };
    queries.iter().map(answer).collect()
}

fn try_query(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Option<String>>>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| texts(row, columns))?;
    rows.collect()
}

fn texts(row: &Row<'_>, columns: usize) -> rusqlite::Result<Vec<Option<String>>> {
    (0..columns)
        .map(|column| row.get_ref(column).map(text))
        .collect()
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(integer) => Some(integer.to_string()),
        ValueRef::Real(real) => Some(real.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(uuid_or_debug(bytes)),
    }
}

fn uuid_or_debug(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| format!("{bytes:02x?}"), |uuid| uuid.to_string())
}

/// Lets a panic of the blocking thread go on in the test.
fn joined<T>(result: Result<T, task::JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
