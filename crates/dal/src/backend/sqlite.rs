//! SQLite: the pool, the thread its connections run on, and the statements around a transaction.

mod ending;
mod line;
mod open;

use std::{error::Error as StdError, path::Path, sync::Arc, time::Duration};

use diesel::{
    ConnectionError, ConnectionResult, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::DatabaseErrorKind,
};
use diesel_async::{
    AsyncConnection, TransactionManager as _,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool as pooled,
    },
    sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper},
};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::open::ask;
pub(crate) use self::{ending::Ending, line::Line, open::open};
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

pub(crate) async fn roll_back(connection: &mut AsyncSqliteConnection) -> QueryResult<()> {
    <AsyncSqliteConnection as AsyncConnection>::TransactionManager::rollback_transaction(connection)
        .await
}
