//! SQLite: connections, the thread they run on, and the statements around a transaction.

use std::{
    error::Error as StdError,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    ConnectionError, ConnectionResult, QueryResult, RunQueryDsl, SqliteConnection,
    connection::{AnsiTransactionManager, Connection as _, SimpleConnection, TransactionManager},
    result::DatabaseErrorKind,
    sql_types::Text,
};
use diesel_async::{
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool as pooled,
    },
    sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper},
};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CommitError;
use crate::{Error, Result};

/// A `SQLite` connection that runs its statements on blocking threads: what `tx.sqlite()` lends.
pub type AsyncSqliteConnection = SyncConnectionWrapper<SqliteConnection, BlockingThread>;

/// Runs the statements of an [`AsyncSqliteConnection`] on tokio's blocking threads.
///
/// Unlike Diesel's own way it never waits for a statement whose future was dropped: that would panic on a
/// current-thread runtime, and block a worker thread on any other.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockingThread;

impl SpawnBlocking for BlockingThread {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn StdError + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let handle = tokio::task::spawn_blocking(task);
        async { handle.await.map_err(Box::from) }.boxed()
    }

    fn get_runtime() -> Self {
        Self
    }
}

pub(crate) type Manager = AsyncDieselConnectionManager<AsyncSqliteConnection>;

/// The connections to one file, and the turn to write to it.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) connections: pooled::Pool<AsyncSqliteConnection>,
    /// `SQLite` has one writer at a time and wakes those that wait by chance. Within a process they queue
    /// here, in order, without holding a connection or a thread; the busy timeout is for other processes.
    writer: Arc<Semaphore>,
}

impl Pool {
    pub(crate) async fn turn(&self, timeout: Duration) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.writer).acquire_owned();
        match tokio::time::timeout(timeout, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(closed)) => Err(Error::Connection(closed.to_string())),
            Err(_) => Err(Error::PoolTimeout { waited: timeout }),
        }
    }
}

impl From<pooled::Pool<AsyncSqliteConnection>> for super::Pool {
    fn from(connections: pooled::Pool<AsyncSqliteConnection>) -> Self {
        Self(super::Kind::Sqlite(Pool {
            connections,
            writer: Arc::new(Semaphore::new(1)),
        }))
    }
}

/// What every connection is told. `synchronous = FULL`: a commit that was answered survives a power cut.
const SETTINGS: &str = "PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_size_limit = 67108864";

/// How long a connection waits for writers of other programs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Earlier versions can corrupt a WAL file that several connections write to.
const OLDEST_SAFE_VERSION: [u32; 3] = [3, 51, 3];

pub(crate) fn pool(path: &Path, size: usize) -> Result<Pool> {
    let Some(path) = path.to_str().map(str::to_owned) else {
        return Err(Error::invalid(
            "the database URL",
            "names a file that is not UTF-8",
        ));
    };
    let mut manager = ManagerConfig::default();
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(|path| establish(path.to_owned()).boxed());
    let connections = pooled::Pool::builder(Manager::new_with_config(path, manager))
        .max_size(size)
        .build()
        .map_err(|error| Error::Connection(error.to_string()))?;
    Ok(Pool {
        connections,
        writer: Arc::new(Semaphore::new(1)),
    })
}

/// The file of a pool, by a connection that is not of it.
pub(crate) async fn file(pool: &Pool) -> Result<String> {
    let connection = deadpool::managed::Manager::create(pool.connections.manager()).await;
    let mut connection = connection.map_err(|error| Error::Connection(error.to_string()))?;
    let path = connection.spawn_blocking(|connection| {
        let question = "SELECT file AS answer FROM pragma_database_list WHERE name = 'main'";
        ask(connection, question)
    });
    Ok(path.await?)
}

async fn establish(path: String) -> ConnectionResult<AsyncSqliteConnection> {
    let connection = tokio::task::spawn_blocking(move || open(&path))
        .await
        .map_err(|error| ConnectionError::BadConnection(error.to_string()))??;
    Ok(AsyncSqliteConnection::new(connection))
}

pub(crate) fn open(path: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)?;
    let wait = BUSY_TIMEOUT.as_millis();
    connection
        .batch_execute(&format!("PRAGMA busy_timeout = {wait};\n    {SETTINGS}"))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    let answer = |connection: &mut SqliteConnection, question| {
        ask(connection, question).map_err(ConnectionError::CouldntSetupConfiguration)
    };
    let version = answer(&mut connection, "SELECT sqlite_version() AS answer")?;
    if !is_safe(&version) {
        return Err(ConnectionError::BadConnection(format!(
            "SQLite {version} can corrupt files in WAL mode; build with the bundled one"
        )));
    }
    enter_wal_mode(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
    // A file on a network file system stays as it is, silently.
    let mode = answer(
        &mut connection,
        "SELECT journal_mode AS answer FROM pragma_journal_mode",
    )?;
    if mode != "wal" {
        return Err(ConnectionError::BadConnection(format!(
            "the file cannot be put into WAL mode (it is in {mode} mode); keep it on a local disk"
        )));
    }
    Ok(connection)
}

/// Sets the mode, which is kept in the file.
///
/// Of connections that set it on a new file at the same time, all but one are refused at once, whatever the busy
/// timeout: each has read the file, and `SQLite` lets no reader wait to become a writer. So it is asked again.
fn enter_wal_mode(connection: &mut SqliteConnection) -> QueryResult<()> {
    const PAUSE: Duration = Duration::from_millis(5);

    let started = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if is_locked(&error) && started.elapsed() < BUSY_TIMEOUT => {
                thread::sleep(PAUSE);
            }
            entered => return entered,
        }
    }
}

/// Diesel does not tell `SQLITE_BUSY` from other codes, but hands its text on.
fn is_locked(error: &diesel::result::Error) -> bool {
    use diesel::result::Error::DatabaseError;
    matches!(error, DatabaseError(_, information) if information.message() == "database is locked")
}

fn ask(connection: &mut SqliteConnection, question: &str) -> QueryResult<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    diesel::sql_query(question)
        .get_result(connection)
        .map(|row: Row| row.answer)
}

fn is_safe(version: &str) -> bool {
    let parts: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    parts.as_slice() >= OLDEST_SAFE_VERSION.as_slice()
}

/// Begins, always as a writer: a transaction that begins as a reader and then writes fails at once if
/// another wrote in between, whatever the busy timeout.
pub(crate) async fn begin(connection: &mut AsyncSqliteConnection) -> QueryResult<()> {
    connection
        .spawn_blocking(|connection| {
            AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
        })
        .await
}

/// Requires that the transaction is still there.
///
/// `SQLite` ends it by itself on some errors, such as a full disk, and what follows would be written without one.
/// It is asked by a BEGIN, which it refuses within a transaction.
pub(crate) async fn require_transaction(connection: &mut AsyncSqliteConnection) -> QueryResult<()> {
    connection
        .spawn_blocking(|connection| {
            if connection.batch_execute("BEGIN").is_err() {
                return Ok(());
            }
            connection.batch_execute("ROLLBACK")?;
            Err(diesel::result::Error::NotInTransaction)
        })
        .await
}

/// Commits. If `SQLite` refuses, it says so and the transaction can only be rolled back; what is lost with a
/// thread that dies under the COMMIT is the answer.
pub(crate) async fn commit(connection: &mut AsyncSqliteConnection) -> Result<(), CommitError> {
    connection
        .spawn_blocking(AnsiTransactionManager::commit_transaction)
        .await
        .map_err(|error| match error {
            diesel::result::Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => {
                CommitError::Unknown(error)
            }
            _ => CommitError::NotCommitted(error.into()),
        })
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn versions_that_can_corrupt_a_wal_file_are_refused() {
        assert!(is_safe("3.51.3"));
        assert!(is_safe("3.53.0"));
        assert!(is_safe("4.0"));
        assert!(!is_safe("3.51.2"));
        assert!(!is_safe("3.9.9"));
        assert!(!is_safe(""));
    }
}
